package mandateecho_test

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/go-mandate/mandate/conformance/adaptertest"
)

func (a app) Wrap(h http.Handler) (adaptertest.Route, bool) { return echo.WrapHandler(h), true }

func (c ctx) SetNative(ctx context.Context) { c.c.SetRequest(c.c.Request().WithContext(ctx)) }

func (c ctx) Inner() []context.Context { return nil }
