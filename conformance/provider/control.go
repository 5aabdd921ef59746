package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// control returns the server of the control endpoints, for a loopback listener: they are for tests, and ask nobody who they are.
func (p *provider) control() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("POST /reset", act(func(ctx context.Context, _ []byte) error { return p.reset(ctx) }))
	mux.HandleFunc("POST /rotate-keys", act(func(ctx context.Context, _ []byte) error { return p.rotate(ctx) }))
	mux.HandleFunc("POST /clock", act(func(_ context.Context, body []byte) error { return p.settings.clock.set(body) }))
	return &http.Server{
		Handler: mux, ReadHeaderTimeout: patience, ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: idle,
	}
}

// errControl blames the request.
var errControl = errors.New("the body must be {\"offset_s\": n} with n within a hundred years")

// act answers 204 once do has done it. A page in a browser must not.
func act(do func(ctx context.Context, body []byte) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "" {
			writeText(w, http.StatusForbidden, "not for browsers\n")
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<10))
		if err == nil {
			err = do(r.Context(), body)
		}
		switch {
		case errors.Is(err, errControl):
			writeText(w, http.StatusBadRequest, err.Error()+"\n")
		case err != nil:
			writeText(w, http.StatusInternalServerError, err.Error()+"\n")
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}
}

// set moves the clock as body says, counted from the true time.
func (c *clock) set(body []byte) error {
	var in struct {
		Offset *int64 `json:"offset_s"`
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil || in.Offset == nil || max(*in.Offset, -*in.Offset) > int64(100*365*24*time.Hour/time.Second) {
		return errControl
	}
	c.offset.Store(*in.Offset)
	return nil
}
