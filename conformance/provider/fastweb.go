package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// fastWeb is Fiber, on fasthttp.
type fastWeb struct {
	build    func(*site, time.Duration) (*fiber.App, error)
	patience time.Duration
	log      *slog.Logger
	current  atomic.Pointer[fasthttp.RequestHandler]
	first    *fiber.App // whose server serves, with the handler of whichever app is current
}

func newFastWeb(build func(*site, time.Duration) (*fiber.App, error), patience time.Duration, log *slog.Logger) *fastWeb {
	return &fastWeb{build: build, patience: patience, log: log}
}

func (w *fastWeb) answer(c *fasthttp.RequestCtx) {
	defer func() {
		if p := recover(); p != nil {
			w.log.Error("panic", "cause", fmt.Sprint(p), "stack", string(debug.Stack()))
			c.Response.Reset()
			c.SetContentType(textType)
			c.SetStatusCode(fasthttp.StatusInternalServerError)
			c.SetBodyString(broken)
		}
	}()
	(*w.current.Load())(c)
}

func (w *fastWeb) put(s *site) error {
	app, err := w.build(s, w.patience)
	if err != nil {
		return err
	}
	h := app.Handler()
	w.current.Store(&h)
	if w.first == nil {
		w.first = app
		app.Server().Handler = w.answer
		app.Server().Logger = slog.NewLogLogger(w.log.Handler(), slog.LevelInfo)
	}
	return nil
}

func (w *fastWeb) serve(l net.Listener) error { return w.first.Server().Serve(l) }

func (w *fastWeb) shutdown(ctx context.Context) error {
	return w.first.ShutdownWithContext(ctx)
}
