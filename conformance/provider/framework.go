package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
)

// A web serves a site with a framework. Another site can take the place of the first while it serves.
type web interface {
	put(s *site) error
	serve(l net.Listener) error // until shutdown, and then nil
	shutdown(ctx context.Context) error
}

// patience is how long a request may take to arrive, and its answer to leave.
const patience = 20 * time.Second

// newWeb returns the framework called name. Whatever it has to say goes to log, if there is one.
func newWeb(name string, patience time.Duration, log *slog.Logger) web {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	switch name {
	case "gin":
		return newStdWeb(ginHandler, patience, log)
	case "echo":
		return newStdWeb(echoHandler, patience, log)
	case "fiber":
		return newFastWeb(fiberHandler, patience, log)
	default:
		return newStdWeb(nethttpHandler, patience, log)
	}
}

func frameworkNames() []string {
	names := []string{"gin", "echo", "fiber", "nethttp"}
	slices.Sort(names)
	return names
}

// What every framework answers where it would have words of its own.
const (
	textType  = "text/plain; charset=utf-8"
	notFound  = "404 not found\n"
	broken    = "500 internal server error\n"
	tooLarge  = `{"error":"invalid_request","error_description":"request body is too large"}`
	jsonType  = "application/json"
	maxBody   = 4 << 20  // the most that a framework reads
	maxHeader = 16 << 10 // of a request line and its header fields: authorization requests are long
)

func writeNotFound(w http.ResponseWriter) { writeText(w, http.StatusNotFound, notFound) }

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", textType)
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // who hung up cannot be told
}

// fiberError is Fiber's ErrorHandler: a path that nobody registered, a body that is too large, and faults.
func fiberError(c *fiber.Ctx, err error) error {
	c.Response().Header.Del(fiber.HeaderAllow) // Fiber would tell what other methods the path has
	code := fiber.StatusInternalServerError
	if e, ok := err.(*fiber.Error); ok { //nolint:errorlint // Fiber hands it over as it is
		code = e.Code
	}
	switch code {
	case fiber.StatusNotFound, fiber.StatusMethodNotAllowed:
		c.Set(fiber.HeaderContentType, textType)
		return c.Status(fiber.StatusNotFound).SendString(notFound)
	case fiber.StatusRequestEntityTooLarge:
		c.Set(fiber.HeaderContentType, jsonType)
		c.Set(fiber.HeaderCacheControl, "no-store")
		return c.Status(code).SendString(tooLarge)
	}
	c.Set(fiber.HeaderContentType, textType)
	return c.Status(fiber.StatusInternalServerError).SendString(broken)
}
