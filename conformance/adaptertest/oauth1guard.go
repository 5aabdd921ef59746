package adaptertest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/store"
)

// oauth1Guard are the cases of requests that are signed (RFC 5849, section 3) at a guard that takes OAuth 2 as well.
func oauth1Guard() cases {
	return cases{
		"one route takes both generations, and answers each in its own way": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader)
			side = side.holding(side.login())
			m := side.call(oauth1.Outgoing{Method: "GET", URL: "/old"}).status(t, 200).json(t)
			if m["sub"] != "alice" || m["type"] != "OAuth" || m["client"] != "plain" {
				t.Errorf("token = %v", m)
			}
			if m := side.call(oauth1.Outgoing{Method: "GET", URL: "/old/user"}).status(t, 200).json(t); m["ID"] != "alice" {
				t.Errorf("user = %v", m)
			}
			ans := w.get(t, "/old")
			ans.refused(t, 401, "missing_authorization")
			if all := ans.Header.Values("WWW-Authenticate"); len(all) != 2 || all[0] != `Bearer realm="photos"` || all[1] != `OAuth realm="photos"` {
				t.Errorf("challenges = %q", all)
			}
			ans = w.get(t, "/old", "Authorization", "Bearer nothing")
			ans.refused(t, 401, "invalid_token")
			if all := ans.Header.Values("WWW-Authenticate"); len(all) != 2 || !strings.Contains(all[0], "invalid_token") || all[1] != `OAuth realm="photos"` {
				t.Errorf("challenges = %q", all)
			}
		},
		"a bearer token of the server is good beside, and a token of OAuth 1.0a is no bearer token": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			if m := w.get(t, "/old", "Authorization", "Bearer "+w.login(web()).Access).status(t, 200).json(t); m["type"] != "Bearer" {
				t.Errorf("token = %v", m)
			}
			side := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader)
			w.get(t, "/old", "Authorization", "Bearer "+side.login().Token).refused(t, 401, "invalid_token")
		},
		"wrong, changed, repeated and late requests are refused, and nothing is spent by them": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader)
			c := side.login()
			good := side.holding(c).sign(oauth1.Outgoing{Method: "POST", URL: "/old?size=big", ContentType: formContent, Body: "color=red"})
			change := func(f func(s *oauth1.Signed)) *answer {
				bad := good
				f(&bad)
				return w.send("POST", bad)
			}
			for _, ans := range []*answer{
				change(func(s *oauth1.Signed) { s.Body = "color=blue" }),
				change(func(s *oauth1.Signed) { s.Body = "color=red&color=red" }),
				change(func(s *oauth1.Signed) { s.Body = "" }),
				change(func(s *oauth1.Signed) { s.URL = strings.Replace(s.URL, "big", "small", 1) }),
				change(func(s *oauth1.Signed) { s.URL = strings.Replace(s.URL, "?size=big", "", 1) }),
				change(func(s *oauth1.Signed) { s.URL += "&more" }),
				change(func(s *oauth1.Signed) { s.URL = strings.Replace(s.URL, "/old", "/old/read", 1) }),
				w.send("GET", good),
				side.holding(credentials1{c.Token, "guess"}).call(oauth1.Outgoing{Method: "GET", URL: "/old"}),
				side.holding(credentials1{"unknown", c.Secret}).call(oauth1.Outgoing{Method: "GET", URL: "/old"}),
				w.as("other", oauth1.HMACSHA1, oauth1.InHeader).holding(c).call(oauth1.Outgoing{Method: "GET", URL: "/old"}),
				w.as("nobody", oauth1.HMACSHA1, oauth1.InHeader).holding(c).call(oauth1.Outgoing{Method: "GET", URL: "/old"}),
			} {
				ans.challenged(t, 401, "signature_invalid")
			}
			if causes := w.seen.causes(); !strings.Contains(causes, "the base string is POST&http%3A%2F%2F127.0.0.1") || strings.Contains(causes, consumerSecret) || strings.Contains(causes, c.Secret) {
				t.Errorf("causes = %s", causes)
			}
			change(func(s *oauth1.Signed) { s.Authorization = strings.Replace(s.Authorization, "HMAC-SHA1", "HMAC-MD5", 1) }).challenged(t, 400, "signature_method_rejected")
			change(func(s *oauth1.Signed) { s.Authorization += `, oauth_nonce="again"` }).challenged(t, 400, "parameter_rejected")
			change(func(s *oauth1.Signed) { s.Authorization = "OAuth" }).challenged(t, 400, "parameter_absent")
			change(func(s *oauth1.Signed) { s.URL += "&oauth_token=x" }).challenged(t, 400, "parameter_rejected")
			if m := w.send("POST", good).status(t, 200).json(t); m["color"] != "red" || m["size"] != "big" {
				t.Errorf("handler saw %v", m)
			}
			w.send("POST", good).challenged(t, 401, "nonce_used")
			w.clock.Pass(301 * time.Second)
			w.send("POST", good).challenged(t, 401, "timestamp_refused")
		},
		"two sets of credentials are refused": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side := w.as("launcher", oauth1.HMACSHA1, oauth1.InHeader)
			signed := side.sign(oauth1.Outgoing{Method: "GET", URL: "/old"})
			ans := w.get(t, "/old", "Authorization", signed.Authorization, "Authorization", "Bearer x")
			ans.refused(t, 400, "invalid_request")
			ans = w.get(t, "/old", "Authorization", signed.Authorization, "Authorization", signed.Authorization)
			ans.refused(t, 400, "invalid_request")
		},
		"a client that may act for itself signs without a token: header, form and query": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			for _, placement := range []oauth1.Placement{oauth1.InHeader, oauth1.InBody, oauth1.InQuery} {
				side := w.as("launcher", oauth1.HMACSHA1, placement)
				m := side.call(oauth1.Outgoing{Method: "POST", URL: "/old/launch", ContentType: formContent, Body: "lti_message_type=basic-lti-launch-request&color=gr%C3%BCn+%26%7E"}).status(t, 200).json(t)
				if m["sub"] != "" || m["client"] != "launcher" || m["scope"] != "read" || m["color"] != "grün &~" {
					t.Errorf("%q: %v", placement, m)
				}
				side.call(oauth1.Outgoing{Method: "POST", URL: "/old/read"}).status(t, 200)
				side.call(oauth1.Outgoing{Method: "POST", URL: "/old/both"}).refused(t, 403, "insufficient_scope")
			}
			w.as("launcher", oauth1.HMACSHA1, oauth1.InHeader).call(oauth1.Outgoing{Method: "GET", URL: "/old/user"}).refused(t, 403, "insufficient_scope")
			w.as("plain", oauth1.HMACSHA1, oauth1.InHeader).call(oauth1.Outgoing{Method: "POST", URL: "/old/launch"}).challenged(t, 401, "consumer_key_rejected")
			side := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader)
			side.holding(side.login()).call(oauth1.Outgoing{Method: "POST", URL: "/old/launch"}).refused(t, 403, "insufficient_scope")
		},
		"bodies that are no form are signed by their hash, and stay readable": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side := w.as("launcher", oauth1.HMACSHA256, oauth1.InHeader).with(func(c *oauth1.SignerConfig) { c.BodyHash = true })
			out := oauth1.Outgoing{Method: "POST", URL: "/old", ContentType: "application/json", Body: `{"a":1}`}
			if m := side.call(out).status(t, 200).json(t); m["body"] != `{"a":1}` {
				t.Errorf("handler saw %v", m)
			}
			bad := side.sign(out)
			bad.Body = `{"a":2}`
			w.send("POST", bad).challenged(t, 401, "signature_invalid")
			w.send("POST", side.sign(out)).status(t, 200)
		},
		"large bodies that are no form pass, large forms cannot be verified": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side := w.as("launcher", oauth1.HMACSHA256, oauth1.InHeader)
			large := strings.Repeat("x", 1<<20+1)
			if m := side.call(oauth1.Outgoing{Method: "POST", URL: "/old", ContentType: "application/octet-stream", Body: large}).status(t, 200).json(t); m["body"] != large {
				t.Error("the handler has not all of the body")
			}
			side.call(oauth1.Outgoing{Method: "POST", URL: "/old", ContentType: formContent, Body: "a=" + large}).challenged(t, 400, "parameter_rejected")
		},
		"stacked guards verify once, an optional one passes who does not sign, and handlers may ask": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, func(s *setup) {
				s.Clients = append(s.Clients, consumer("full", func(c *store.Client) {
					c.Metadata.GrantTypes = append(c.Metadata.GrantTypes, "client_credentials")
					c.Policy.Default = "read write"
				}))
			})
			w.as("full", oauth1.HMACSHA1, oauth1.InHeader).call(oauth1.Outgoing{Method: "GET", URL: "/old/stacked"}).status(t, 200)
			ans := w.as("launcher", oauth1.HMACSHA1, oauth1.InHeader).call(oauth1.Outgoing{Method: "GET", URL: "/old/stacked"})
			ans.refused(t, 403, "insufficient_scope")
			if all := ans.Header.Values("WWW-Authenticate"); len(all) != 2 || !strings.Contains(all[1], `oauth_problem="additional_authorization_required", scope="write"`) {
				t.Errorf("challenges = %q", all)
			}
			w.get(t, "/old/optional").status(t, 200)
			w.as("nobody", oauth1.HMACSHA1, oauth1.InHeader).call(oauth1.Outgoing{Method: "GET", URL: "/old/optional"}).challenged(t, 401, "signature_invalid")
			if m := w.as("launcher", oauth1.HMACSHA1, oauth1.InBody).call(oauth1.Outgoing{Method: "POST", URL: "/old/inside", ContentType: formContent, Body: "color=red"}).status(t, 200).json(t); m["color"] != "red" {
				t.Errorf("handler saw %v", m)
			}
		},
		"an outage of the store is no verdict": func(t *testing.T, a Adapter) {
			broken := errors.New("the database is away")
			w := newOldWorld(t, a, func(s *setup) {
				s.Store = store.Override(s.store, store.Parts{Replay: failingReplay{broken}})
			})
			ans := w.as("launcher", oauth1.HMACSHA1, oauth1.InHeader).call(oauth1.Outgoing{Method: "GET", URL: "/old"})
			ans.refused(t, 503, "temporarily_unavailable")
			w.as("plain", oauth1.HMACSHA1, oauth1.InHeader).call(oauth1.Outgoing{Method: "POST", URL: temporaryPath, Callback: consumerBack}).status(t, 500)
		},
		"behind a proxy the configured base counts, and no header of the request": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, func(s *setup) {
				before := s.more
				s.more = func(x *world) {
					before(x)
					guard, err := resource.New(resource.Config{Verifiers: []resource.Verifier{resource.OAuth1{Server: x.srv, BaseURL: "https://api.example.com/v1"}}, Now: s.clock.Now})
					if err != nil {
						t.Fatal(err)
					}
					x.app.Handle(http.MethodGet, "/proxied", x.app.Route(func(c Ctx) error { return c.JSON(200, map[string]any{"client": c.Token().ClientID()}) }),
						x.app.Auth(guard, AuthConfig{}).RequireThat(mandate.ClientOnly()))
				}
			})
			side := w.as("launcher", oauth1.HMACSHA1, oauth1.InHeader)
			signed := side.sign(oauth1.Outgoing{Method: "GET", URL: "https://api.example.com:443/v1/proxied?b=2&a=1"})
			signed.URL = w.url + "/proxied?b=2&a=1"
			w.send("GET", signed).status(t, 200)
			ans := w.do(t, "GET", "/proxied", "", "Authorization", side.sign(oauth1.Outgoing{Method: "GET", URL: "/proxied"}).Authorization, "X-Forwarded-Host", w.addr)
			ans.refused(t, 401, "signature_invalid")
			ans.fields(t, "WWW-Authenticate", `OAuth realm="api", oauth_problem="signature_invalid", oauth_problem_advice="consumer%20key%2C%20token%20or%20signature%20is%20wrong"`)
		},
	}
}

// failingReplay is a part of a store that is away.
type failingReplay struct{ err error }

// UseOnce implements store.Replay.
func (f failingReplay) UseOnce(context.Context, string, mandate.Digest, time.Time, time.Time) error {
	return f.err
}
