package adaptertest

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/fetch"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// documentSite is a stranger's https site with documents of clients.
type documentSite struct {
	*httptest.Server
	hits atomic.Int64

	mu     sync.Mutex // guards answer
	answer http.HandlerFunc
}

func newDocumentSite(t *testing.T) *documentSite {
	t.Helper()
	s := new(documentSite)
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.hits.Add(1)
		s.mu.Lock()
		answer := s.answer
		s.mu.Unlock()
		answer(w, r)
	}))
	s.serves(s.document())
	t.Cleanup(s.Close)
	return s
}

// id is the client_id of the site's client.
func (s *documentSite) id() string { return s.URL + "/app.json" }

// client is the site's client as it knows itself.
func (s *documentSite) client() party { return party{id: s.id(), method: "none", redirect: callback} }

// document is the good document of that client.
func (s *documentSite) document() said {
	return said{"client_id": s.id(), "client_name": "A document", "redirect_uris": []string{callback}, "grant_types": []string{"authorization_code", "refresh_token"}, "token_endpoint_auth_method": "none"}
}

// serves answers with m from now on.
func (s *documentSite) serves(m said, fields ...string) {
	s.does(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(fields); i += 2 {
			w.Header().Set(fields[i], fields[i+1])
		}
		_ = json.NewEncoder(w).Encode(m)
	})
}

// does answers with f from now on.
func (s *documentSite) does(f http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

// hangsUp is an outage. Nobody may have the site's address meanwhile: it would answer in its place.
func (s *documentSite) hangsUp() {
	s.does(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }) //nolint:forbidigo // how net/http hangs up
}

// fetcher is the guarded one, which may go to loopback and believes the site.
func (s *documentSite) fetcher(t *testing.T) mandate.Fetcher {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	f, err := fetch.New(fetch.Config{AllowPrivateNetworks: true, RootCAs: roots, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// described is a world that takes clients by their documents, and a site with one.
func described(t *testing.T, a Adapter, change func(d *server.ClientDocuments, s *setup)) (*world, *documentSite) {
	t.Helper()
	site := newDocumentSite(t)
	return newWorld(t, a, func(s *setup) {
		s.ClientDocuments = &server.ClientDocuments{}
		s.Fetcher = site.fetcher(t)
		if change != nil {
			change(s.ClientDocuments, s)
		}
	}), site
}

// open is the ordinary request of p for the scope that anybody may have.
func (p party) open() url.Values {
	return with(p.request(), "scope", "open")
}

// clientDocuments are the cases of clients whose client_id is the URL of their metadata.
func clientDocuments() cases {
	list := cases{
		"a client that nobody registered works like any other, and nothing of it is stored": func(t *testing.T, a Adapter) {
			w, site := described(t, a, nil)
			p := site.client()
			got := w.login(p, "scope", "open")
			if m := w.alive(got.Access).json(t); m["client"] != site.id() || m["sub"] != "alice" {
				t.Errorf("the guard sees %v", m)
			}
			got = w.refresh(p, got.Refresh)
			w.revoke(p, got.Refresh).status(t, 200)
			w.dead(p, got.Access, got.Refresh)
			if n := site.hits.Load(); n != 1 {
				t.Errorf("the document was fetched %d times, want once", n)
			}
			w.nobody(t)
			if m := w.get(t, "/.well-known/oauth-authorization-server").json(t); m["client_id_metadata_document_supported"] != true {
				t.Errorf("metadata = %v", m)
			}
		},
		"nothing is fetched where it is off": func(t *testing.T, a Adapter) {
			site := newDocumentSite(t)
			w := newWorld(t, a, func(s *setup) { s.Fetcher = site.fetcher(t) })
			w.authorize(site.client().open()).refused(t, 400, "invalid_client")
			w.token(site.client(), refreshing("x")).refused(t, 400, "invalid_client")
			if m := w.get(t, "/.well-known/oauth-authorization-server").json(t); m["client_id_metadata_document_supported"] != nil || site.hits.Load() != 0 {
				t.Errorf("%d fetches, metadata = %v", site.hits.Load(), m)
			}
		},
		"a client_id that is no URL of a document leads nowhere": func(t *testing.T, a Adapter) {
			w, site := described(t, a, nil)
			host := strings.TrimPrefix(site.URL, "https://")
			for _, id := range []string{
				"http://" + host + "/app.json", "HTTPS://" + host + "/app.json", site.URL, site.URL + "?x=/", "https://u@" + host + "/app.json", "https://u:p@" + host + "/app.json",
				site.URL + "/app.json#x", site.URL + "/app.json#", site.URL + "/./app.json", site.URL + "/a/../app.json", site.URL + "/%2e%2e/app.json", site.URL + "/a/..",
				site.URL + "\\app.json", "https:///app.json", "https://" + host, "https:/" + host + "/app.json", site.URL + "/a b", "ftp://" + host + "/app.json", "https://" + host + "99999/app.json",
				site.URL + "/" + strings.Repeat("x", 512),
			} {
				p := site.client()
				p.id = id
				w.authorize(p.open()).refused(t, 400, "invalid_client")
			}
			if n := site.hits.Load(); n != 0 {
				t.Errorf("%d fetches, want none", n)
			}
		},
		"a registered client wins over its document": func(t *testing.T, a Adapter) {
			w, site := described(t, a, nil)
			p := site.client()
			own := p
			own.redirect = "https://app.example.com/registered"
			c := own.client("authorization_code")
			w.keep(c)
			w.authorize(p.open()).refused(t, 400, "invalid_request")
			w.login(own, "scope", "read")
			c.Disabled = true
			w.keep(c)
			w.authorize(own.open()).refused(t, 400, "invalid_client")
			if n := site.hits.Load(); n != 0 {
				t.Errorf("%d fetches, want none", n)
			}
		},
		"what the server does not offer is left out of a document, which is for all servers": func(t *testing.T, a Adapter) {
			w, site := described(t, a, nil)
			site.serves(site.document().with("grant_types", []string{"authorization_code", "implicit", "client_credentials"}).with("response_types", []string{"code", "token"}).with("scope", "open read unknown").
				with("token_endpoint_auth_method", nil).with("color", "red"))
			p := site.client()
			if got := w.login(p, "scope", "open"); got.Refresh != "" {
				t.Error("a refresh token, which it did not ask for")
			}
			w.token(p, clientOwn("open")).refused(t, 400, "unauthorized_client")
			toldAs(t, w, w.authorize(with(p.request(), "scope", "read", "prompt", "none")), "invalid_scope", true)
		},
		"a client with keys of its own proves who it is": func(t *testing.T, a Adapter) {
			w, site := described(t, a, nil)
			key, err := jose.Generate(jose.ES256)
			if err != nil {
				t.Fatal(err)
			}
			site.serves(site.document().with("token_endpoint_auth_method", "private_key_jwt").with("jwks", jose.NewKeySet(key.Public())))
			p := site.client()
			send := func(key *jose.Key) *answer {
				now := w.clock.Now()
				proof, err := jose.Sign(key, "JWT", said{"iss": p.id, "sub": p.id, "aud": w.issuer, "jti": jsonOf(t, now.UnixNano()), "exp": now.Add(time.Minute).Unix()})
				if err != nil {
					t.Fatal(err)
				}
				form := p.exchange(w.code(p, "scope", "open"))
				form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
				form.Set("client_assertion", proof)
				return w.form(t, "/token", form)
			}
			w.alive(send(key).tokens(t).Access)
			stranger, err := jose.Generate(jose.ES256)
			if err != nil {
				t.Fatal(err)
			}
			send(stranger).refused(t, 400, "invalid_client")
			w.token(p, p.exchange(w.code(p, "scope", "open"))).refused(t, 400, "invalid_client")
		},
		"a stranger's client is not told of errors before somebody signs in": func(t *testing.T, a Adapter) {
			w, site := described(t, a, func(_ *server.ClientDocuments, s *setup) { builtInPages(s) })
			if ans := newBrowser(w).authorize(site.client(), "scope", "unknown").answer; ans.Status != 400 || ans.Header.Get("Location") != "" {
				t.Errorf("answer = %d, Location %q", ans.Status, ans.Header.Get("Location"))
			}
		},
		"the operator says which clients": func(t *testing.T, a Adapter) {
			var blocked, broken atomic.Bool
			w, site := described(t, a, func(d *server.ClientDocuments, _ *setup) {
				d.Allow = func(_ context.Context, id *url.URL) error {
					switch {
					case broken.Load():
						return errors.New("the secret cause")
					case blocked.Load() || id.Hostname() != "127.0.0.1":
						return mandate.Errorf(mandate.AccessDenied, nil, "not you")
					}
					return nil
				}
				d.Policy = func(_ context.Context, c *store.Client) error {
					if c.Metadata.Name == "Bad name" {
						return mandate.AccessDenied
					}
					c.ID, c.Policy.TokenTTL = "stolen", time.Minute
					return nil
				}
			})
			p := site.client()
			got := w.login(p, "scope", "open")
			if got.ExpiresIn != time.Minute {
				t.Errorf("expires_in = %v", got.ExpiresIn)
			}
			if m := w.alive(got.Access).json(t); m["client"] != p.id {
				t.Errorf("the token is of %v, want %s", m["client"], p.id)
			}
			blocked.Store(true) // at once, whatever is remembered
			w.authorize(p.open()).refused(t, 400, "invalid_client")
			w.token(p, refreshing(got.Refresh)).refused(t, 400, "invalid_client")
			broken.Store(true)
			if ans := w.authorize(p.open()); ans.Status != 500 || strings.Contains(ans.Body, "secret cause") {
				t.Errorf("answer = %d %s", ans.Status, ans.Body)
			}
			blocked.Store(false)
			broken.Store(false)
			site.serves(site.document().with("client_name", "Bad name"))
			w.clock.Pass(6 * time.Minute)
			w.authorize(p.open()).refused(t, 400, "invalid_client")
		},
	}
	maps.Copy(list, documentCaches())
	maps.Copy(list, hostileDocuments())
	return list
}

// documentCaches are the cases of what is remembered of documents, and for how long.
func documentCaches() cases {
	return cases{
		"an authorization sees the document of now, five minutes apart": func(t *testing.T, a Adapter) {
			w, site := described(t, a, nil)
			p, moved := site.client(), site.client()
			moved.redirect = "https://app.example.com/moved"
			w.code(p, "scope", "open")
			site.serves(site.document().with("redirect_uris", []string{moved.redirect}))
			w.code(p, "scope", "open")
			w.clock.Pass(5 * time.Minute)
			w.authorize(p.open()).refused(t, 400, "invalid_request")
			w.code(moved, "scope", "open")
			if n := site.hits.Load(); n != 2 {
				t.Errorf("%d fetches, want 2", n)
			}
		},
		"HTTP says how long, within bounds": func(t *testing.T, a Adapter) {
			for header, fresh := range map[[2]string]time.Duration{
				{"Cache-Control", "max-age=3600"}: time.Hour, {"Cache-Control", "public, MAX-AGE=1"}: 5 * time.Minute, {"Cache-Control", "max-age=99999999"}: 24 * time.Hour,
				{"Cache-Control", "no-store, max-age=3600"}: 5 * time.Minute, {"Cache-Control", "max-age=x"}: 5 * time.Minute, {"Expires", "0"}: 5 * time.Minute,
			} {
				w, site := described(t, a, nil)
				p := site.client()
				site.serves(site.document(), header[0], header[1])
				w.code(p, "scope", "open")
				w.clock.Pass(fresh*4/5 - time.Second) // after which it is fetched ahead
				w.code(p, "scope", "open")
				if n := site.hits.Load(); n != 1 {
					t.Errorf("%s: %d fetches, want 1", header, n)
				}
				site.serves(site.document().with("redirect_uris", []string{"https://app.example.com/moved"}), header[0], header[1])
				w.clock.Pass(fresh/5 + time.Second)
				w.authorize(p.open()).refused(t, 400, "invalid_request")
			}
		},
		"what is in use is fetched ahead, and nobody waits": func(t *testing.T, a Adapter) {
			w, site := described(t, a, nil)
			p := site.client()
			w.code(p, "scope", "open")
			release, ahead := make(chan struct{}), make(chan struct{})
			site.does(func(rw http.ResponseWriter, _ *http.Request) {
				close(ahead)
				<-release
				rw.WriteHeader(http.StatusInternalServerError)
			})
			w.clock.Pass(4*time.Minute + time.Second)
			w.code(p, "scope", "open") // and is not kept by the fetch, which it began
			<-ahead
			w.code(p, "scope", "open")
			close(release)
		},
		"an outage of the client's site ends no grant for a day": func(t *testing.T, a Adapter) {
			w, site := described(t, a, nil)
			p := site.client()
			got := w.login(p, "scope", "open")
			site.hangsUp()
			w.clock.Pass(5 * time.Minute)
			w.authorize(p.open()).refused(t, 400, "invalid_client")
			got = w.refresh(p, got.Refresh)
			w.clock.Pass(23 * time.Hour)
			got = w.refresh(p, got.Refresh)
			w.revoke(p, got.Access).status(t, 200)
			w.clock.Pass(time.Hour)
			w.token(p, refreshing(got.Refresh)).refused(t, 400, "invalid_client")
		},
		"nothing that failed is remembered, and a host is asked five times a minute": func(t *testing.T, a Adapter) {
			w, site := described(t, a, nil)
			p := site.client()
			site.does(http.NotFound)
			for range 5 {
				w.authorize(p.open()).refused(t, 400, "invalid_client")
			}
			site.serves(site.document())
			for range 3 {
				ans := w.authorize(p.open())
				ans.refused(t, 503, "temporarily_unavailable")
				ans.fields(t, "Retry-After", "5")
				w.token(p, refreshing("x")).refused(t, 503, "temporarily_unavailable")
			}
			if n := site.hits.Load(); n != 5 {
				t.Errorf("%d fetches, want 5", n)
			}
			w.clock.Pass(time.Minute)
			w.code(p, "scope", "open")
		},
		"64 at once wait for one fetch": func(t *testing.T, a Adapter) {
			w, site := described(t, a, nil)
			p := site.client()
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					if ans, err := w.try(t, http.MethodGet, "/authorize?"+p.open().Encode(), ""); err != nil || ans.Status != 303 {
						t.Errorf("answer = %v, %v", ans, err)
					}
				})
			}
			wg.Wait()
			if n := site.hits.Load(); n != 1 {
				t.Errorf("%d fetches, want 1", n)
			}
		},
		"memory is bounded": func(t *testing.T, a Adapter) {
			w, site := described(t, a, func(d *server.ClientDocuments, _ *setup) { d.Size = 1 })
			site.does(func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("Content-Type", "application/oauth-client+json; charset=utf-8")
				_ = json.NewEncoder(rw).Encode(site.document().with("client_id", site.URL+r.URL.Path))
			})
			one, two := site.client(), site.client()
			one.id, two.id = site.URL+"/one", site.URL+"/two"
			for _, p := range []party{one, one, two, two, one} {
				w.clock.Pass(time.Second)
				w.code(p, "scope", "open")
			}
			if n := site.hits.Load(); n != 3 {
				t.Errorf("%d fetches, want 3", n)
			}
		},
	}
}
