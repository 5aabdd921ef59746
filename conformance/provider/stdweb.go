package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// idle is how long a connection may wait for its next request.
const idle = time.Minute

// stdWeb is a framework on net/http.
type stdWeb struct {
	build   func(*site) (http.Handler, error)
	current atomic.Pointer[http.Handler]
	server  *http.Server
	log     *slog.Logger
}

func newStdWeb(build func(*site) (http.Handler, error), patience time.Duration, log *slog.Logger) *stdWeb {
	w := &stdWeb{build: build, log: log}
	w.server = &http.Server{
		Handler:           http.HandlerFunc(w.answer),
		ReadHeaderTimeout: patience, ReadTimeout: patience, WriteTimeout: patience + patience/4, IdleTimeout: idle,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelInfo),
		Protocols: new(http.Protocols), // HTTP/1.1 alone, as Fiber has it
	}
	w.server.Protocols.SetHTTP1(true)
	return w
}

func (w *stdWeb) answer(rw http.ResponseWriter, r *http.Request) {
	defer func() {
		if p := recover(); p != nil {
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p) // net/http's own way to hang up
			}
			w.log.Error("panic", "cause", fmt.Sprint(p), "stack", string(debug.Stack()))
			writeText(rw, http.StatusInternalServerError, broken)
		}
	}()
	(*w.current.Load()).ServeHTTP(rw, r)
}

func (w *stdWeb) put(s *site) error {
	h, err := w.build(s)
	if err != nil {
		return err
	}
	w.current.Store(&h)
	return nil
}

func (w *stdWeb) serve(l net.Listener) error {
	if err := w.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (w *stdWeb) shutdown(ctx context.Context) error {
	if err := w.server.Shutdown(ctx); err != nil {
		return w.server.Close()
	}
	return nil
}
