package nethttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

var _ resource.Source = (*server.Server)(nil)

// noStore is for requests that reach no store.
type noStore struct{ store.Store }

func newServer(t *testing.T) *server.Server {
	t.Helper()
	srv, err := server.New(server.Config{
		Issuer: "http://127.0.0.1:8080", Prefix: "/oauth", Store: noStore{},
		Scopes:  []server.Scope{{Name: "profile"}},
		Clients: []*store.Client{{ID: "web", Metadata: oauth2.ClientMetadata{RedirectURIs: []string{"https://web.example.com/cb"}, AuthMethod: "none", Scope: "profile"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return srv
}

const authorize = "/oauth/authorize?response_type=code&client_id=web&redirect_uri=https%3A%2F%2Fweb.example.com%2Fcb&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&scope=profile"

func mounted(t *testing.T, config nethttp.MountConfig) *http.ServeMux {
	t.Helper()
	r := http.NewServeMux()
	if config.Decide == nil {
		config.Decide = func(http.ResponseWriter, *http.Request, *server.Ask) (server.Answer, error) {
			return server.Deny(), nil
		}
	}
	if err := nethttp.Mount(r, newServer(t), config); err != nil {
		t.Fatal(err)
	}
	return r
}

func send(t *testing.T, h http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for pair := range slices.Chunk(header, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

func TestMountMethods(t *testing.T) {
	t.Parallel()
	r := mounted(t, nethttp.MountConfig{})
	const metadata = "/.well-known/oauth-authorization-server"
	for name, tc := range map[string]struct {
		method, path string
		header       []string
		status       int
		field, value string
	}{
		"GET":       {"GET", metadata, nil, 200, "Content-Type", "application/json"},
		"HEAD":      {"HEAD", metadata, nil, 200, "Content-Type", "application/json"},
		"another":   {"DELETE", metadata, nil, 405, "Allow", "GET, HEAD, OPTIONS"},
		"OPTIONS":   {"OPTIONS", metadata, nil, 405, "Allow", "GET, HEAD, OPTIONS"},
		"preflight": {"OPTIONS", "/oauth/token", []string{"Origin", "https://a.example", "Access-Control-Request-Method", "POST"}, 204, "Access-Control-Allow-Origin", "*"},
		"unknown":   {"GET", "/oauth/nothing", nil, 404, "Allow", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := send(t, r, tc.method, tc.path, "", tc.header...)
			if got := w.Header().Get(tc.field); w.Code != tc.status || got != tc.value {
				t.Errorf("%s %s: %d with %s %q, want %d with %q", tc.method, tc.path, w.Code, tc.field, got, tc.status, tc.value)
			}
		})
	}
}

func TestMountConflicts(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	decide := nethttp.MountConfig{Decide: func(http.ResponseWriter, *http.Request, *server.Ask) (server.Answer, error) {
		return server.Deny(), nil
	}}
	none := http.NotFoundHandler()
	for name, tc := range map[string]struct {
		prepare func(r *http.ServeMux)
		config  []nethttp.MountConfig
		want    string
	}{
		"a route is taken":        {func(r *http.ServeMux) { r.Handle("/oauth/token", none) }, []nethttp.MountConfig{decide}, "/oauth/token"},
		"a pattern is in the way": {func(r *http.ServeMux) { r.Handle("GET /{any}/token", none) }, []nethttp.MountConfig{decide}, "the router refuses /oauth/token"},
		"mounted twice":           {func(r *http.ServeMux) { _ = nethttp.Mount(r, srv, decide) }, []nethttp.MountConfig{decide}, "/oauth/token"},
		"nobody decides":          {func(*http.ServeMux) {}, nil, "Decide"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := http.NewServeMux()
			tc.prepare(r)
			err := nethttp.Mount(r, srv, tc.config...)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one about %s", err, tc.want)
			}
		})
	}
	if err := nethttp.Mount(http.NewServeMux(), nil); err == nil {
		t.Error("no error without a server")
	}
	if err := nethttp.Mount(nil, srv); err == nil {
		t.Error("no error without a router")
	}
}

type userKey struct{}

func TestMountDecide(t *testing.T) {
	t.Parallel()
	r := mounted(t, nethttp.MountConfig{
		Use: []func(http.Handler) http.Handler{func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, "ann")))
			})
		}},
		Decide: func(w http.ResponseWriter, r *http.Request, ask *server.Ask) (server.Answer, error) {
			if r.URL.Query().Get("fail") != "" {
				return server.Page(func() error { return errors.New("no template") }), nil
			}
			return server.Page(func() error {
				_, err := fmt.Fprintf(w, "%s, allow %s? %s", r.Context().Value(userKey{}), ask.Client.ID, ask.Fields())
				return err
			}), nil
		},
		Error: func(w http.ResponseWriter, _ *http.Request, err *mandate.Error) {
			_, _ = io.WriteString(w, "my page: "+string(err.Code))
		},
	})
	w := send(t, r, "GET", authorize, "")
	if w.Code != 200 || !strings.HasPrefix(w.Body.String(), "ann, allow web? <input") || w.Header().Get("Set-Cookie") == "" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("page: %d %s %v", w.Code, w.Body, w.Header())
	}
	w = send(t, r, "GET", authorize+"&fail=1", "")
	if w.Code != 500 || w.Body.String() != `{"error":"server_error"}` {
		t.Errorf("failing page: %d %s, want 500 server_error", w.Code, w.Body)
	}
	w = send(t, r, "GET", strings.Replace(authorize, "web.example.com", "evil.example.com", 1), "")
	if w.Code != 400 || w.Body.String() != "my page: invalid_request" {
		t.Errorf("error page: %d %s, want 400 from the application", w.Code, w.Body)
	}
}

// statuses notes each status that is written: net/http complains in its log about a second one.
type statuses struct {
	*httptest.ResponseRecorder

	all []int
}

func (s *statuses) WriteHeader(status int) {
	s.all = append(s.all, status)
	s.ResponseRecorder.WriteHeader(status)
}

func TestMountDecideThatAnswered(t *testing.T) {
	t.Parallel()
	r := mounted(t, nethttp.MountConfig{
		Decide: func(w http.ResponseWriter, _ *http.Request, ask *server.Ask) (server.Answer, error) {
			if !ask.Submitted() {
				ask.Accepts(server.User{Subject: "ann"})
				return server.Page(func() error {
					_, err := io.WriteString(w, url.Values{"handle": {ask.Handle()}, "csrf": {ask.CSRF()}}.Encode())
					return err
				}), nil
			}
			http.Error(w, "closed", http.StatusServiceUnavailable)
			return server.Approve(server.User{Subject: "eve"}), nil
		},
		Error: func(w http.ResponseWriter, _ *http.Request, err *mandate.Error) {
			_, _ = io.WriteString(w, string(err.Code))
		},
	})
	page := send(t, r, "GET", authorize, "")
	cookie, _, _ := strings.Cut(page.Header().Get("Set-Cookie"), ";")
	req := httptest.NewRequestWithContext(t.Context(), "POST", "/oauth/authorize", page.Body)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Cookie", cookie)
	w := &statuses{ResponseRecorder: httptest.NewRecorder()}
	r.ServeHTTP(w, req)
	if !slices.Equal(w.all, []int{503}) || w.Body.String() != "closed\naccess_denied" {
		t.Errorf("statuses %v, body %q, want 503 alone, which the application wrote before its error page", w.all, w.Body)
	}
}

func TestHandle(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	var seen *mandate.Request
	e := mandate.Endpoint{Name: "item", Origin: "https://id.example.com", Path: "/item/{id}", Methods: []string{"POST"}, Limit: 8, Handle: func(_ context.Context, req *mandate.Request) *mandate.Response {
		seen = req
		return &mandate.Response{Status: 200, Header: mandate.Fields{{Name: "Set-Cookie", Value: "a=1"}, {Name: "Set-Cookie", Value: "b=2"}}, Body: []byte(req.Body)}
	}}
	var rest string
	mux.HandleFunc("/item/{id}", func(w http.ResponseWriter, r *http.Request) {
		nethttp.Handle(e).ServeHTTP(w, r)
		body, _ := io.ReadAll(r.Body)
		rest = string(body)
	})
	w := send(t, mux, "POST", "/item/a%2Fb%3F%20c?x=%41&y", "12345678", "Host", "evil.example.com")
	if w.Code != 200 || w.Body.String() != "12345678" || len(w.Header()["Set-Cookie"]) != 2 {
		t.Errorf("answer %d %s %v", w.Code, w.Body, w.Header())
	}
	if seen.URL() != "https://id.example.com/item/a%2Fb%3F%20c?x=%41&y" || seen.PathID != "a/b? c" || rest != "12345678" {
		t.Errorf("URL %s, id %q, body restored to %q", seen.URL(), seen.PathID, rest)
	}
	if w := send(t, mux, "POST", "/item/1", "123456789"); w.Code != 413 || rest != "123456789" {
		t.Errorf("over the limit: %d, body restored to %q, want 413 and all of it", w.Code, rest)
	}
}

func TestSkipperAndReturnTo(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	skip := nethttp.Skipper(srv)
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%t %s", skip(r), nethttp.ReturnTo(r, srv, "/home"))
	})
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	for target, want := range map[string]string{
		"/oauth/token": "true /home",
		"/other?return_to=https://evil.example.com":          "false /home",
		"/login?return_to=%2Foauth%2Fauthorize%3Fhandle%3Dh": "false /oauth/authorize?handle=h",
	} {
		if w := send(t, mux, "GET", target, ""); w.Body.String() != want {
			t.Errorf("%s: %s, want %s", target, w.Body, want)
		}
	}
	if w := send(t, mux, "POST", "/login", "return_to=%2Foauth%2Fauthorize%3Fhandle%3Dh", form...); w.Body.String() != "false /oauth/authorize?handle=h" {
		t.Errorf("form: %s", w.Body)
	}
}
