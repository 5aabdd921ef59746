package resource_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

// liveIssuer is an authorization server on loopback.
type liveIssuer struct {
	*httptest.Server

	conns atomic.Int32 // connections that were made

	mu     sync.Mutex // guards all below
	keys   []*jose.Key
	broken func(w http.ResponseWriter, r *http.Request) // in place of every answer
}

func newLiveIssuer(tb testing.TB) *liveIssuer {
	tb.Helper()
	l := &liveIssuer{}
	mux := http.NewServeMux()
	write := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		write(w, map[string]string{"issuer": l.URL, "jwks_uri": l.URL + "/keys", "introspection_endpoint": l.URL + "/introspect"})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		var public []*jose.PublicKey
		for _, k := range l.keys {
			public = append(public, k.Public())
		}
		write(w, jose.NewKeySet(public...))
	})
	mux.HandleFunc("POST /introspect", func(w http.ResponseWriter, r *http.Request) {
		if id, secret, ok := r.BasicAuth(); !ok || id != "shop" || secret != "s3cr3t" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if !strings.HasPrefix(r.PostFormValue("token"), "good") {
			write(w, map[string]bool{"active": false})
			return
		}
		write(w, json.RawMessage(activeAnswer))
	})
	l.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		broken := l.broken
		l.mu.Unlock()
		if broken != nil {
			broken(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	l.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			l.conns.Add(1)
		}
	}
	l.Start()
	tb.Cleanup(l.Close)
	l.rotate(tb)
	return l
}

// rotate makes a new key the one that signs; the others stay published.
func (l *liveIssuer) rotate(tb testing.TB) {
	tb.Helper()
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		tb.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys = append([]*jose.Key{key}, l.keys...)
}

func (l *liveIssuer) breaks(f func(w http.ResponseWriter, r *http.Request)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = f
}

func (l *liveIssuer) token(tb testing.TB) string {
	tb.Helper()
	l.mu.Lock()
	key := l.keys[0]
	l.mu.Unlock()
	now := time.Now()
	raw, err := jose.Sign(key, "at+jwt", map[string]any{"iss": l.URL, "aud": api, "sub": "ann", "client_id": "web", "iat": now.Unix(), "exp": now.Unix() + 600, "jti": now.String()})
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// ticking is a clock that only moves when it is told.
type ticking struct{ past atomic.Int64 }

func (c *ticking) now() time.Time       { return time.Now().Add(time.Duration(c.past.Load())) }
func (c *ticking) pass(d time.Duration) { c.past.Add(int64(d)) }
func answers(status int, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// TestIssuerURLIsEnough is what most APIs are: a URL, and no more.
func TestIssuerURLIsEnough(t *testing.T) {
	t.Parallel()
	l := newLiveIssuer(t)
	g := newGuard(t, func(c *resource.Config) { c.Verifiers = []resource.Verifier{resource.JWT{Issuer: l.URL}} })
	if got, tok := pass(t, g, l.token(t)); got != 200 || tok.Subject() != "ann" {
		t.Errorf("status %d, want 200", got)
	}
	l.rotate(t)
	if got, _ := pass(t, g, l.token(t)); got != 200 {
		t.Errorf("after a rotation: %d, want 200", got)
	}
	if got, _ := pass(t, g, newLiveIssuer(t).token(t)); got != 401 {
		t.Errorf("another issuer's: %d, want 401", got)
	}
	l.breaks(hangUp) // and keeps its address, where another issuer would be this one
	if got, _ := pass(t, g, l.token(t)); got != 200 {
		t.Errorf("with the issuer gone: %d, want 200", got)
	}
	g = newGuard(t, func(c *resource.Config) { c.Verifiers = []resource.Verifier{resource.JWT{Issuer: l.URL}} })
	if got, _ := pass(t, g, l.token(t)); got != 503 {
		t.Errorf("with the issuer gone from the start: %d, want 503", got)
	}
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// TestOutagesOnTheWire has the issuer fail in every way for ten minutes, while requests go on.
func TestOutagesOnTheWire(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	for name, broken := range map[string]func(w http.ResponseWriter, r *http.Request){
		"500":        answers(500, "down"),
		"garbage":    answers(200, "<html>"),
		"oversized":  answers(200, strings.Repeat(" ", 1<<20)),
		"no key":     answers(200, `{"keys":[]}`),
		"hanging up": hangUp,
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example.com/", http.StatusFound)
		},
		"no answer": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		},
		"half of one": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"keys":`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, clock := newLiveIssuer(t), &ticking{}
			failed := make(chan error, 100)
			keys, err := resource.NewRemoteKeys(resource.RemoteConfig{
				Issuer: l.URL, Now: clock.now, Timeout: time.Second,
				Hooks: mandate.Hooks{On: func(_ context.Context, e mandate.Event) { failed <- e.Err }},
			})
			if err != nil {
				t.Fatal(err)
			}
			g := newGuard(t, func(c *resource.Config) { c.Verifiers = []resource.Verifier{resource.JWT{Issuer: l.URL, Keys: keys}} })
			if got, _ := pass(t, g, l.token(t)); got != 200 {
				t.Fatalf("status %d, want 200", got)
			}
			l.breaks(broken)
			for range 4 { // beyond what is fresh, then ten minutes more
				clock.pass(5 * time.Minute)
				began := time.Now()
				if got, _ := pass(t, g, l.token(t)); got != 200 {
					t.Errorf("status %d, want 200", got)
				}
				if took := time.Since(began); took > 600*time.Millisecond {
					t.Errorf("it waited %v", took)
				}
				if clock.past.Load() > int64(10*time.Minute) {
					if err := <-failed; err == nil {
						t.Error("the hooks heard of no cause")
					}
				}
			}
			l.rotate(t)
			if got, _ := pass(t, g, l.token(t)); got != 503 {
				t.Errorf("a key that is new during the outage: %d, want 503", got)
			}
			l.breaks(nil)
			clock.pass(time.Minute)
			if got, _ := pass(t, g, l.token(t)); got != 200 {
				t.Errorf("after the outage: %d, want 200", got)
			}
		})
	}
}

// TestRotationUnderLoad rotates without any overlap, which no issuer should: nobody notices.
func TestRotationUnderLoad(t *testing.T) {
	t.Parallel()
	l, clock := newLiveIssuer(t), &ticking{}
	keys, err := resource.NewRemoteKeys(resource.RemoteConfig{Issuer: l.URL, Now: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	g := newGuard(t, func(c *resource.Config) { c.Verifiers = []resource.Verifier{resource.JWT{Issuer: l.URL, Keys: keys}} })
	rule := g.Rule(mandate.Scope(), false)
	var passed, failed atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, resp := g.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + l.token(t)}, rule); resp != nil {
					failed.Add(1)
				}
				passed.Add(1)
			}
		})
	}
	for range 20 {
		for before := passed.Load(); passed.Load() < before+50; {
			if t.Context().Err() != nil {
				break
			}
		}
		clock.pass(31 * time.Second)
		l.rotate(t)
	}
	close(stop)
	wg.Wait()
	if n := failed.Load(); n != 0 {
		t.Errorf("%d of %d requests failed", n, passed.Load())
	}
}

func TestIntrospectionOnTheWire(t *testing.T) {
	t.Parallel()
	l := newLiveIssuer(t)
	for name, i := range map[string]resource.Introspection{
		"by its issuer":   {Issuer: l.URL, ClientID: "shop", Secret: "s3cr3t"},
		"by its endpoint": {Endpoint: l.URL + "/introspect", ClientID: "shop", Secret: "s3cr3t"},
	} {
		g := newGuard(t, func(c *resource.Config) { c.Verifiers = []resource.Verifier{i} })
		for raw, want := range map[string]int{"good": 200, "bad": 401} {
			if got, _ := pass(t, g, raw); got != want {
				t.Errorf("%s, %s: %d, want %d", name, raw, got, want)
			}
		}
	}
	g := newGuard(t, func(c *resource.Config) {
		c.Verifiers = []resource.Verifier{resource.Introspection{Issuer: l.URL, ClientID: "shop", Secret: "wrong"}}
	})
	if got, _ := pass(t, g, "good"); got != 503 {
		t.Errorf("with a wrong secret: %d, want 503", got)
	}
}

// TestIntrospectionKeepsConnections open: a connection for each question would cost more than the question.
func TestIntrospectionKeepsConnections(t *testing.T) {
	t.Parallel()
	l := newLiveIssuer(t)
	g := newGuard(t, func(c *resource.Config) {
		c.Verifiers = []resource.Verifier{resource.Introspection{Issuer: l.URL, ClientID: "shop", Secret: "s3cr3t"}}
	})
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			for n := range 50 {
				if got, _ := pass(t, g, fmt.Sprintf("good%d.%d", worker, n)); got != 200 {
					t.Errorf("status %d, want 200", got)
				}
			}
		})
	}
	wg.Wait()
	if n := l.conns.Load(); n > 33 {
		t.Errorf("%d connections for 800 questions of 16 at once, want 33 at most", n)
	}
}
