package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/go-mandate/mandate/core/client"
)

// roundTrip is an http.RoundTripper.
type roundTrip func(r *http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func static() oauth2.TokenSource {
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "at", TokenType: "bearer"})
}

func TestWhereATokenGoes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		url string
		ok  bool
	}{
		"the origin":                         {"https://api.test/x", true},
		"in another spelling":                {"HTTPS://API.test:443/x", true},
		"another allowed origin":             {"https://up.test:8443/x", true},
		"loopback":                           {"http://127.0.0.1:8080/x", true},
		"another port":                       {"https://api.test:444/x", false},
		"without TLS":                        {"http://api.test/x", false},
		"an allowed origin, but without TLS": {"http://plain.test/x", false},
		"a subdomain":                        {"https://x.api.test/", false},
		"a longer name":                      {"https://api.test.evil.test/", false},
		"a user that looks so":               {"https://api.test@evil.test/", false},
		"another port on loopback":           {"http://127.0.0.1:8081/x", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := false
			tr := &client.Transport{
				Source: static(), Allowed: []string{"https://api.test", "https://up.test:8443", "http://127.0.0.1:8080", "http://plain.test"},
				Base: roundTrip(func(r *http.Request) (*http.Response, error) {
					sent = true
					if got := r.Header.Get("Authorization"); got != "Bearer at" {
						t.Errorf("Authorization = %q", got)
					}
					return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, nil
				}),
			}
			body := &closing{Reader: strings.NewReader("x")}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tc.url, body)
			if err != nil {
				t.Fatal(err)
			}
			res, err := tr.RoundTrip(r)
			if err == nil {
				_ = res.Body.Close()
			}
			if sent != tc.ok || tc.ok == errors.Is(err, client.WrongHost) {
				t.Errorf("sent = %v, error = %v, want sent = %v", sent, err, tc.ok)
			}
			if !tc.ok && !body.closed {
				t.Error("the body is not closed")
			}
			if r.Header.Get("Authorization") != "" {
				t.Error("the caller's request was changed")
			}
		})
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

// elsewhere is a server that says what Authorization it got.
func elsewhere(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Method+" "+r.Header.Get("Authorization"))
	}))
	t.Cleanup(s.Close)
	return s
}

func TestRedirectsTakeNoTokenElsewhere(t *testing.T) {
	t.Parallel()
	other := elsewhere(t)
	var api *httptest.Server
	api = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := map[string]string{"/away": other.URL, "/home": api.URL + "/end", "/loop": "/loop"}[r.URL.Path]
		if to == "" {
			_, _ = io.WriteString(w, r.Header.Get("Authorization"))
			return
		}
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusTemporaryRedirect)
	}))
	t.Cleanup(api.Close)
	a, err := client.NewAPI(client.APIConfig{BaseURL: api.URL})
	if err != nil {
		t.Fatal(err)
	}
	a = a.With(static())
	for path, want := range map[string]string{"/away": "GET ", "/home": "Bearer at"} {
		if res, err := a.Get(t.Context(), path, nil); err != nil || string(res.Raw) != want {
			t.Errorf("%s: %+v, %v, want %q", path, res, err, want)
		}
	}
	if res, err := a.Post(t.Context(), "/away", "secrets"); !errors.Is(err, client.WrongHost) {
		t.Errorf("a body was taken elsewhere: %+v, %v", res, err)
	}
	if res, err := a.Post(t.Context(), "/home", "data"); err != nil || string(res.Raw) != "Bearer at" {
		t.Errorf("%+v, %v", res, err)
	}
	if _, err := a.Get(t.Context(), "/loop", nil); !errors.Is(err, client.Unreachable) {
		t.Errorf("error = %v", err)
	}
	if _, err := a.Get(t.Context(), other.URL+"/?secret=1", nil); !errors.Is(err, client.WrongHost) || strings.Contains(err.Error(), "secret") {
		t.Errorf("error = %v, want %v without the query", err, client.WrongHost)
	}
}

func TestBefore(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	for name, tc := range map[string]struct {
		before func(*http.Request) error
		url    string
		header string
		err    error
	}{
		"another scheme of authorization": {func(r *http.Request) error {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "Bearer", "OAuth2", 1))
			return nil
		}, "https://api.test/x", "OAuth2 at", nil},
		"the token in the query": {func(r *http.Request) error {
			q := r.URL.Query()
			q.Set("oauth2_access_token", strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
			r.URL.RawQuery = q.Encode()
			r.Header.Del("Authorization")
			return nil
		}, "https://api.test/x?oauth2_access_token=at", "", nil},
		"an error":     {func(*http.Request) error { return stop }, "", "", stop},
		"another host": {func(r *http.Request) error { r.URL.Host = "evil.test"; return nil }, "", "", client.WrongHost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent *http.Request
			tr := &client.Transport{
				Source: static(), Allowed: []string{"https://api.test"}, Before: tc.before,
				Base: roundTrip(func(r *http.Request) (*http.Response, error) {
					sent = r
					return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, nil
				}),
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.test/x", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			res, err := tr.RoundTrip(r)
			if err == nil {
				_ = res.Body.Close()
			}
			if !errors.Is(err, tc.err) {
				t.Fatalf("error = %v, want %v", err, tc.err)
			}
			if tc.err == nil && (sent.URL.String() != tc.url || sent.Header.Get("Authorization") != tc.header) {
				t.Errorf("sent %s, Authorization %q", sent.URL, sent.Header.Get("Authorization"))
			}
			if tc.err != nil && sent != nil {
				t.Error("it was sent")
			}
			if r.URL.String() != "https://api.test/x" || len(r.Header) != 0 {
				t.Error("the caller's request was changed")
			}
		})
	}
}

func TestTokensThatCannotBeSent(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]oauth2.TokenSource{
		"none": nil,
		"mac":  oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "a", TokenType: "MAC"}),
		"DPoP": client.NewSource(func(context.Context) (*oauth2.Token, error) {
			return &oauth2.Token{AccessToken: "a", TokenType: "dpop"}, nil
		}, client.SourceConfig{}),
		"not an access token (RFC 8693, 2.2.1)": oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "a", TokenType: "N_A"}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := client.NewAPI(client.APIConfig{BaseURL: "https://api.test", Base: roundTrip(func(*http.Request) (*http.Response, error) {
				t.Error("it was sent")
				return nil, errors.New("sent")
			})})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.With(src).Get(t.Context(), "", nil); !errors.Is(err, client.NoToken) {
				t.Errorf("error = %v, want %v", err, client.NoToken)
			}
		})
	}
}

// The transport does not allocate more than the one of golang.org/x/oauth2.
func TestTransportAllocates(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts those of all
	res := &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}
	base := roundTrip(func(*http.Request) (*http.Response, error) { return res, nil })
	tok := &oauth2.Token{AccessToken: "at", Expiry: time.Now().Add(time.Hour)}
	ours := &client.Transport{Source: client.NewSource(func(context.Context) (*oauth2.Token, error) { return tok, nil }, client.SourceConfig{}), Allowed: []string{"https://api.test"}, Base: base}
	theirs := &oauth2.Transport{Source: oauth2.ReuseTokenSource(tok, nil), Base: base}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.test/x", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	count := func(tr http.RoundTripper) float64 {
		return testing.AllocsPerRun(500, func() {
			if _, err := tr.RoundTrip(r); err != nil { //nolint:bodyclose // there is none
				t.Error(err)
			}
		})
	}
	if a, b := count(ours), count(theirs); a > b || a > 3 {
		t.Errorf("%v allocations, want at most 3, and at most the %v of golang.org/x/oauth2", a, b)
	}
	s := ours.Source
	if n := testing.AllocsPerRun(500, func() { _, _ = s.Token() }); n != 0 {
		t.Errorf("a token in memory: %v allocations, want 0", n)
	}
}

// TestARedirectThatComesBackHasNoToken has another server send a client on, to what it likes at the API.
func TestARedirectThatComesBackHasNoToken(t *testing.T) {
	t.Parallel()
	var api *httptest.Server
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, api.URL+"/delete-everything", http.StatusFound)
	}))
	t.Cleanup(other.Close)
	api = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL+"/back", http.StatusFound)
		case "/delete-everything":
			http.Redirect(w, r, "/really", http.StatusFound)
		default:
			_, _ = io.WriteString(w, r.URL.Path+" "+r.Header.Get("Authorization"))
		}
	}))
	t.Cleanup(api.Close)
	for name, before := range map[string]func(*http.Request) error{"plain": nil, "with Before": func(r *http.Request) error { return nil }} {
		a, err := client.NewAPI(client.APIConfig{BaseURL: api.URL, Before: before})
		if err != nil {
			t.Fatal(err)
		}
		res, err := a.With(static()).Get(t.Context(), "/away", nil)
		if err != nil || string(res.Raw) != "/really " {
			t.Errorf("%s: %+v, %v, want no token", name, res, err)
		}
	}
}

// TestRedirectsTakeNoKeysElsewhere has an API with a key in a header field of its own.
func TestRedirectsTakeNoKeysElsewhere(t *testing.T) {
	t.Parallel()
	var got http.Header
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	t.Cleanup(other.Close)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/file", http.StatusFound)
	}))
	t.Cleanup(api.Close)
	a, err := client.NewAPI(client.APIConfig{BaseURL: api.URL, Header: http.Header{"X-Api-Key": {"secret"}}})
	if err != nil {
		t.Fatal(err)
	}
	call := client.Call{URL: "files/1?key=secret", Header: http.Header{"Range": {"bytes=0-9"}, "X-Session": {"secret"}}}
	if _, err := a.With(static()).Do(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	for name, values := range got {
		if strings.Contains(strings.Join(values, " "), "secret") {
			t.Errorf("%s: %q went elsewhere", name, values)
		}
	}
	if got.Get("Range") == "" {
		t.Errorf("header = %v, want the Range", got)
	}
}
