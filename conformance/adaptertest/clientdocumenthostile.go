package adaptertest

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/server"
)

// hostileDocuments are the cases of documents that are not to be believed, and of URLs that are not to be asked.
func hostileDocuments() cases {
	return cases{
		"a document that is not to be believed is no client": func(t *testing.T, a Adapter) {
			w, site := described(t, a, nil)
			p, good := site.client(), site.document()
			text := func(kind, body string) http.HandlerFunc {
				return func(rw http.ResponseWriter, _ *http.Request) {
					rw.Header().Set("Content-Type", kind)
					_, _ = rw.Write([]byte(body))
				}
			}
			wrong := map[string]http.HandlerFunc{
				"no JSON": text("application/json", "hello"), "an array": text("application/json", "[]"), "cut off": text("application/json", jsonOf(t, good)[:40]),
				"a web page": text("text/html", jsonOf(t, good)), "without a type": text("", jsonOf(t, good)),
				"a member twice":   text("application/json", strings.Replace(jsonOf(t, good), "{", `{"client_id":"x",`, 1)),
				"not UTF-8":        text("application/json", strings.Replace(jsonOf(t, good), "A document", "\xff", 1)),
				"5 KiB and a byte": text("application/json", jsonOf(t, good)+strings.Repeat(" ", 5<<10+1-len(jsonOf(t, good)))),
				"deep":             text("application/json", strings.Repeat(`{"a":`, 1000)),
				"status 201": func(rw http.ResponseWriter, r *http.Request) {
					rw.WriteHeader(http.StatusCreated)
					text("", jsonOf(t, good))(rw, r)
				},
				"status 404 with a good one": func(rw http.ResponseWriter, _ *http.Request) {
					rw.Header().Set("Content-Type", "application/json")
					rw.WriteHeader(http.StatusNotFound)
					_, _ = rw.Write([]byte(jsonOf(t, good)))
				},
				"endless": func(rw http.ResponseWriter, r *http.Request) {
					rw.Header().Set("Content-Type", "application/json")
					for r.Context().Err() == nil {
						if _, err := rw.Write([]byte(strings.Repeat(" ", 1024))); err != nil {
							return
						}
					}
				},
				"a redirect to a good one": func(rw http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/app.json" {
						http.Redirect(rw, r, "/elsewhere", http.StatusFound)
						return
					}
					text("application/json", jsonOf(t, good))(rw, r)
				},
			}
			for name, m := range map[string]said{
				"another client_id": good.with("client_id", site.URL+"/other"), "client_id in another spelling": good.with("client_id", strings.Replace(site.id(), "app", "%61pp", 1)), "no client_id": good.with("client_id", nil),
				"client_id of a wrong type": good.with("client_id", []string{site.id()}), "a secret": good.with("client_secret", "x"), "an end of a secret": good.with("client_secret_expires_at", 0),
				"a method with a secret": good.with("token_endpoint_auth_method", "client_secret_basic"), "a secret in the body": good.with("token_endpoint_auth_method", "client_secret_post"),
				"a secret for HMAC": good.with("token_endpoint_auth_method", "client_secret_jwt"), "HS256": good.with("token_endpoint_auth_signing_alg", "HS256"),
				"no redirect URI": good.with("redirect_uris", nil), "a redirect URI without TLS": good.with("redirect_uris", []string{"http://app.example.com/cb"}),
				"script for a redirect URI": good.with("redirect_uris", []string{"javascript:alert(1)"}), "machine grants alone": good.with("grant_types", []string{"client_credentials"}),
				"a logo without TLS": good.with("logo_uri", "http://app.example.com/l.png"), "a private key": good.with("jwks", json.RawMessage(`{"keys":[{"kty":"oct","k":"AAAA"}]}`)),
				"what is not offered": good.with("dpop_bound_access_tokens", true), "a name with NUL": good.with("client_name", "a\x00b"),
			} {
				wrong[name] = text("application/json", jsonOf(t, m))
			}
			for name, f := range wrong {
				site.does(f)
				w.clock.Pass(time.Minute)
				if ans := w.authorize(p.open()); ans.Status != 400 || ans.text(t, "error") != "invalid_client" || ans.Header.Get("Location") != "" {
					t.Errorf("%s: %d %s", name, ans.Status, ans.Body)
				}
				if ans := w.token(p, refreshing("x")); ans.Status != 400 || ans.text(t, "error") != "invalid_client" {
					t.Errorf("%s at the token endpoint: %d %s", name, ans.Status, ans.Body)
				}
			}
			site.serves(good)
			w.clock.Pass(time.Minute)
			w.code(p, "scope", "open")
		},
		"a document that goes bad is not believed any more": func(t *testing.T, a Adapter) {
			w, site := described(t, a, nil)
			p := site.client()
			w.code(p, "scope", "open")
			site.serves(site.document().with("client_id", "x"))
			w.clock.Pass(5 * time.Minute)
			w.authorize(p.open()).refused(t, 400, "invalid_client")
		},
		"no URL leads into the server's own network, and all answers are alike": func(t *testing.T, a Adapter) {
			site := newDocumentSite(t)
			var seen atomic.Pointer[string]
			w := newWorld(t, a, func(s *setup) { s.ClientDocuments = &server.ClientDocuments{} }) // the default Fetcher
			_, port, _ := strings.Cut(strings.TrimPrefix(site.URL, "https://"), ":")
			for _, host := range []string{
				"127.0.0.1:" + port, "localhost:" + port, "[::1]:" + port, "[::ffff:127.0.0.1]:" + port, "127.1:" + port, "0.0.0.0:" + port, "169.254.169.254", "10.0.0.1", "192.168.0.1", "172.16.0.1",
				"100.64.0.1", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]", "2130706433:" + port,
			} {
				p := site.client()
				p.id = "https://" + host + "/app.json"
				ans := w.authorize(p.open())
				ans.refused(t, 400, "invalid_client")
				if was := seen.Swap(&ans.Body); was != nil && *was != ans.Body {
					t.Errorf("%s: %q is not %q: it shows what is there", host, ans.Body, *was)
				}
			}
			if n := site.hits.Load(); n != 0 {
				t.Errorf("%d requests came through", n)
			}
		},
	}
}
