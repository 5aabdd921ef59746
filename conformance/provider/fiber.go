package main

import (
	"time"

	"github.com/gofiber/fiber/v2"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
)

// fiberHandler mounts s on Fiber.
func fiberHandler(s *site, patience time.Duration) (*fiber.App, error) {
	app := fiber.New(fiber.Config{
		ReadBufferSize: maxHeader, CaseSensitive: true, StrictRouting: true, // as mandatefiber asks
		BodyLimit: maxBody, ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: idle,
		DisableStartupMessage: true, ErrorHandler: fiberError,
	})
	if err := mandatefiber.Mount(app, s.server); err != nil {
		return nil, err
	}
	app.All(s.fault.Path, mandatefiber.Handle(s.fault))
	for _, r := range s.resources {
		if r.describe {
			if err := mandatefiber.MountResource(app, r.guard); err != nil {
				return nil, err
			}
		}
		auth := mandatefiber.New(r.guard)
		guard := auth.Require(r.scopes...)
		if r.need != nil {
			guard = auth.RequireFor(r.need)
		}
		app.All(r.endpoint.Path, guard, mandatefiber.Handle(r.endpoint))
	}
	return app, nil
}
