package docs

import (
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"iter"
	"net/http"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/resource"
)

// NetHTTPProblem answers refusals as RFC 9457 has it, or with a page.
func NetHTTPProblem(guard *resource.Guard, page *template.Template) *nethttp.Auth {
	// doc:start problem-nethttp
	auth := nethttp.New(guard, nethttp.Config{
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err *mandate.Error) { // status, challenge and Cache-Control are set already
			if strings.Contains(r.Header.Get("Accept"), "text/html") {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				_ = page.Execute(w, err) // a page of your own; the status is written with its first byte
				return
			}
			w.Header().Set("Content-Type", "application/problem+json") // RFC 9457
			_ = json.NewEncoder(w).Encode(problem{Type: "about:blank", Title: string(err.Code), Status: err.Code.Status(), Detail: err.Description})
		},
	})
	// doc:end
	return auth
}

// NetHTTPResource mounts what the API says about itself.
func NetHTTPResource(r *http.ServeMux, guard *resource.Guard) error {
	// doc:start mount-resource-nethttp
	err := nethttp.MountResource(r, guard)
	// doc:end
	return err
}

// NetHTTPEvents streams events from behind a guard.
func NetHTTPEvents(r *http.ServeMux, auth *nethttp.Auth, events func(context.Context, *mandate.Token) iter.Seq[string]) {
	// doc:start events-nethttp
	r.Handle("GET /events", auth.With(func(w http.ResponseWriter, r *http.Request, tok *mandate.Token) {
		w.Header().Set("Content-Type", "text/event-stream")
		for event := range events(r.Context(), tok) {
			fmt.Fprintf(w, "data: %s\n\n", event)
			_ = http.NewResponseController(w).Flush()
		}
	}, "orders"))
	// doc:end
}

// NetHTTPAcquire checks a token inside a handler.
func NetHTTPAcquire(r *http.ServeMux, auth *nethttp.Auth) {
	// doc:start acquire-nethttp
	r.HandleFunc("GET /report", func(w http.ResponseWriter, r *http.Request) {
		tok, err := auth.Acquire(r, "reports")
		if err != nil {
			auth.Refuse(w, r, err)
			return
		}
		_ = json.NewEncoder(w).Encode(work(r.Context(), tok)) // the context carries the token: mandate.TokenFrom(ctx)
	})
	// doc:end
}
