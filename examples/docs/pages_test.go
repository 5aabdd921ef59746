package docs_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/pages"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/examples/docs"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// TestPages serves the pages that the documentation changes.
func TestPages(t *testing.T) {
	t.Parallel()
	config := server.Config{Issuer: "http://127.0.0.1:8080", Store: memstore.New()}
	config = docs.PageOptions(config, func(context.Context, string, string) (server.User, error) {
		return server.User{}, mandate.AccessDenied
	})
	config, err := docs.PageTemplates(config)
	if err != nil {
		t.Fatal(err)
	}
	if config, err = docs.PageLocales(config, pages.Texts{LoginTitle: "Anmelden"}); err != nil {
		t.Fatal(err)
	}
	if err := docs.GermanIsComplete(pages.English()); err != nil {
		t.Error(err)
	}
	if err := docs.GermanIsComplete(pages.Texts{LoginTitle: "Anmelden"}); err == nil || strings.Contains(err.Error(), "LoginTitle") || !strings.Contains(err.Error(), "PostSubmit]") {
		t.Errorf("what is missing: %v", err)
	}
	if got := docs.PageScopes(config).Scopes[0].In("de-AT").Title; got != "Deine Fotos sehen" {
		t.Errorf("title = %q", got)
	}
	srv, err := server.New(config)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	if err := nethttp.Mount(mux, srv); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ path, language, want string }{
		{"/interaction/applications", "de-AT", "Anmelden"},
		{"/interaction/applications", "en", "Sign in"},
		{"/authorize?client_id=nobody", "en", "That did not work"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, tc.path, nil)
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Accept-Language", tc.language)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), tc.want) {
			t.Errorf("%s in %s: %d %s, want %q", tc.path, tc.language, w.Code, w.Body, tc.want)
		}
	}
}
