package adaptertest_test

import (
	"context"
	"net/http"

	"github.com/go-mandate/mandate/conformance/adaptertest"
)

func (a app) Wrap(h http.Handler) (adaptertest.Route, bool) { return h, true }

func (c *ctx) SetNative(ctx context.Context) { c.r = c.r.WithContext(ctx) }

func (c *ctx) Inner() []context.Context { return nil }
