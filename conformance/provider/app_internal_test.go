package main

import (
	"fmt"
	"html"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// app is a client's web site, with addresses on two hosts.
type app struct {
	url   string // on 127.0.0.1
	other string // the same on localhost: another site
	serve func(l net.Listener)

	mu   sync.Mutex // guards hops
	hops bool       // the callback redirects on, to the other site and back
}

// newApp serves the site until the test is over.
func newApp(t *testing.T) *app {
	t.Helper()
	a := new(app)
	mux := http.NewServeMux()
	mux.HandleFunc("/cb", func(w http.ResponseWriter, r *http.Request) {
		if a.on() && r.FormValue("hop") == "" {
			redirectTo(w, a.other+"/two?"+r.URL.RawQuery)
			return
		}
		fmt.Fprintf(w, `<!doctype html><title>App</title><h1 id="app">%s</h1>`, html.EscapeString(r.FormValue("code")+r.FormValue("error")))
	})
	mux.HandleFunc("/two", func(w http.ResponseWriter, r *http.Request) {
		redirectTo(w, a.url+"/cb?hop=2&"+r.URL.RawQuery)
	})
	mux.HandleFunc("/post", func(w http.ResponseWriter, r *http.Request) { // posts its query as a form
		fmt.Fprintf(w, `<!doctype html><title>App</title><form method="post" action="%s">`, html.EscapeString(r.FormValue("to")))
		for name, values := range r.URL.Query() {
			if name != "to" {
				fmt.Fprintf(w, `<input type="hidden" name="%s" value="%s">`, html.EscapeString(name), html.EscapeString(values[0]))
			}
		}
		fmt.Fprint(w, `<button id="go">Go</button></form>`)
	})
	mux.HandleFunc("/favicon.ico", http.NotFound)
	a.serve = func(l net.Listener) {
		server := &http.Server{Handler: mux, ReadHeaderTimeout: patience}
		go func() { _ = server.Serve(l) }()
		t.Cleanup(func() { _ = server.Close() })
	}
	l := listen(t)
	a.serve(l)
	a.url = "http://" + l.Addr().String()
	a.other = strings.Replace(a.url, "127.0.0.1", "localhost", 1)
	return a
}

// six serves the site on [::1], too, and returns the address. Few may: to a browser it is localhost, where others may have the port on 127.0.0.1.
func (a *app) six(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	a.serve(l)
	return "http://" + l.Addr().String()
}

func redirectTo(w http.ResponseWriter, url string) {
	w.Header().Set("Location", url)
	w.WriteHeader(http.StatusFound)
}

func (a *app) on() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.hops
}

func (a *app) hop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hops = true
}
