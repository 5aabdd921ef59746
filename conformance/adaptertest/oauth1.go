package adaptertest

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// standards are all signature methods, and who may use them.
func standards() map[oauth1.Standard]string {
	return map[oauth1.Standard]string{
		oauth1.HMACSHA1: "plain", oauth1.HMACSHA256: "plain", oauth1.HMACSHA512: "plain", oauth1.Plaintext: "plain",
		oauth1.RSASHA1: "keyed", oauth1.RSASHA256: "keyed", oauth1.RSASHA512: "keyed",
	}
}

const temporaryPath, tokenPath1 = "/oauth1/request_token", "/oauth1/access_token"

// oauth1Provider are the cases of the endpoints of RFC 5849, section 2.
func oauth1Provider() cases {
	return cases{
		"three legs with every signature method in every place, and a call": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			for method, id := range standards() {
				for _, placement := range []oauth1.Placement{oauth1.InHeader, oauth1.InBody, oauth1.InQuery} {
					side := w.as(id, method, placement)
					temporary := side.temporary(consumerBack)
					to, q := w.decided(temporary, "X-User", "bob")
					if to != consumerBack || q.Get("oauth_token") != temporary.Token || len(q) != 2 || len(q.Get("oauth_verifier")) != 22 {
						t.Fatalf("%s: callback = %s %v", method, to, q)
					}
					c, v := side.exchange(temporary, q.Get("oauth_verifier")).issued(t)
					if len(v) != 2 || c.Token == temporary.Token || !regexp.MustCompile(`^[A-Za-z0-9]{32}$`).MatchString(c.Token) {
						t.Errorf("%s: credentials = %v", method, v)
					}
					m := side.holding(c).call(oauth1.Outgoing{Method: "POST", URL: "/old?size=big", ContentType: formContent, Body: "color=red+blue"}).status(t, 200).json(t)
					if m["sub"] != "bob" || m["client"] != id || m["type"] != "OAuth" || m["color"] != "red blue" || m["size"] != "big" {
						t.Errorf("%s %q: %v", method, placement, m)
					}
				}
			}
		},
		"GET serves, and scripts of other origins are told nothing": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader)
			ans := side.call(oauth1.Outgoing{Method: "GET", URL: temporaryPath, Callback: consumerBack})
			ans.issued(t)
			ans.fields(t, "Access-Control-Allow-Origin", "")
			w.do(t, "PUT", temporaryPath, "").status(t, 405).fields(t, "Allow", "GET, HEAD, POST")
		},
		"realms are asked for, decided about, told and held": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side := w.as("plain", oauth1.HMACSHA256, oauth1.InHeader).with(func(c *oauth1.SignerConfig) { c.Realm = "read" })
			temporary := side.temporary(consumerBack)
			_, q := w.decided(temporary)
			c, v := side.exchange(temporary, q.Get("oauth_verifier")).issued(t)
			if v.Get("oauth_authorized_realms") != "read" {
				t.Errorf("answer = %v", v)
			}
			side = side.holding(c)
			side.call(oauth1.Outgoing{Method: "GET", URL: "/old/read"}).status(t, 200)
			ans := side.call(oauth1.Outgoing{Method: "GET", URL: "/old/both"})
			ans.refused(t, 403, "insufficient_scope")
			if all := ans.Header.Values("WWW-Authenticate"); len(all) != 2 || all[1] != `OAuth realm="photos", oauth_problem="additional_authorization_required", scope="read write"` {
				t.Errorf("challenges = %q", all)
			}
		},
		"a realm that is unknown or another's is refused (escalation)": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			for _, realm := range []string{"admin", "read admin", "unknown", "read  write\\"} {
				side := w.as("plain", oauth1.HMACSHA256, oauth1.InHeader).with(func(c *oauth1.SignerConfig) { c.Realm = realm })
				v := side.call(oauth1.Outgoing{Method: "POST", URL: temporaryPath, Callback: consumerBack}).problem(t, 400, "parameter_rejected")
				if v.Get("oauth_parameters_rejected") != "realm" {
					t.Errorf("realm %q: %v", realm, v)
				}
			}
		},
		"the realm of the challenge asks for nothing, and the client's default counts": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, func(s *setup) {
				s.Clients = append(s.Clients, consumer("lucky", func(c *store.Client) { c.Policy.Default = "write" }))
			})
			side := w.as("lucky", oauth1.HMACSHA1, oauth1.InHeader).with(func(c *oauth1.SignerConfig) { c.Realm = w.url })
			temporary := side.temporary(consumerBack)
			_, q := w.decided(temporary)
			if _, v := side.exchange(temporary, q.Get("oauth_verifier")).issued(t); v.Get("oauth_authorized_realms") != "write" {
				t.Errorf("answer = %v", v)
			}
		},
		"malformed and incomplete requests for temporary credentials are refused, and nothing is kept": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader)
			good := side.sign(oauth1.Outgoing{Method: "POST", URL: temporaryPath, Callback: consumerBack})
			for _, name := range []string{"oauth_consumer_key", "oauth_signature_method", "oauth_signature", "oauth_timestamp", "oauth_nonce", "oauth_callback"} {
				bad := good
				bad.Authorization = regexp.MustCompile(`,? ?`+name+`="[^"]*"`).ReplaceAllString(good.Authorization, "")
				bad.Authorization = strings.Replace(bad.Authorization, "OAuth,", "OAuth ", 1)
				if v := w.send("POST", bad).problem(t, 400, "parameter_absent"); v.Get("oauth_parameters_absent") != name {
					t.Errorf("without %s: %v", name, v)
				}
				twice := good
				twice.Authorization += `, ` + name + `="again"`
				w.send("POST", twice).problem(t, 400, "parameter_rejected")
			}
			for header, problem := range map[string]string{
				strings.Replace(good.Authorization, "HMAC-SHA1", "HMAC-MD5", 1):                                            "signature_method_rejected",
				strings.Replace(good.Authorization, `oauth_version="1.0"`, `oauth_version="2.0"`, 1):                       "version_rejected",
				regexp.MustCompile(`oauth_timestamp="\d+"`).ReplaceAllString(good.Authorization, `oauth_timestamp="soon"`): "parameter_rejected",
				"OAuth":      "parameter_absent",
				"Bearer abc": "parameter_absent",
				"":           "parameter_absent",
			} {
				bad := good
				bad.Authorization = header
				w.send("POST", bad).problem(t, 400, problem)
			}
			side.call(oauth1.Outgoing{Method: "POST", URL: temporaryPath}).problem(t, 400, "parameter_absent")
			w.send("POST", good).issued(t) // its nonce is as good as new
		},
		"wrong secrets, strangers, and a request that was changed anywhere all look alike": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader)
			out := oauth1.Outgoing{Method: "POST", URL: temporaryPath, Callback: consumerBack}
			good := side.sign(out)
			var bodies []string
			refused := func(what string, ans *answer) {
				t.Helper()
				ans.problem(t, 401, "signature_invalid")
				bodies = append(bodies, ans.Body)
				if ans.Body != bodies[0] {
					t.Errorf("%s: %q, want %q", what, ans.Body, bodies[0])
				}
			}
			for _, id := range []string{"nobody", "modern", "disabled", "web", "keyed", strings.Repeat("x", 600)} {
				refused(id, w.as(id, oauth1.HMACSHA1, oauth1.InHeader).call(out))
			}
			refused("secret", side.with(func(c *oauth1.SignerConfig) { c.Keys.ClientSecret = "guess" }).call(out))
			refused("token secret", side.with(func(c *oauth1.SignerConfig) { c.Keys.TokenSecret = "guess" }).call(out))
			refused("plaintext", w.as("plain", oauth1.Plaintext, oauth1.InHeader).with(func(c *oauth1.SignerConfig) { c.Keys.ClientSecret = "guess" }).call(out))
			refused("RSA of a client without a key", w.as("plain", oauth1.RSASHA1, oauth1.InHeader).call(out))
			other := side.sign(oauth1.Outgoing{Method: "POST", URL: strings.Replace(w.url, "http:", "https:", 1) + temporaryPath, Callback: consumerBack})
			other.URL = w.url + temporaryPath
			refused("http and https", w.send("POST", other))
			for _, name := range []string{"oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_callback", "oauth_signature"} {
				bad := good
				bad.Authorization = regexp.MustCompile(name+`="[^"]*`).ReplaceAllStringFunc(good.Authorization, func(s string) string {
					if last := s[len(s)-1]; last == '1' {
						return s[:len(s)-1] + "2"
					}
					return s[:len(s)-1] + "1"
				})
				refused("changed "+name, w.send("POST", bad))
			}
			refused("added query", w.do(t, "POST", temporaryPath+"?more=1", "", "Authorization", good.Authorization))
			refused("added form", w.do(t, "POST", temporaryPath, "more=1", "Authorization", good.Authorization, "Content-Type", formContent))
			refused("other method", w.do(t, "GET", temporaryPath, "", "Authorization", good.Authorization))
			w.send("POST", good).issued(t)
			// The log says what the signature should have been over.
			if causes := w.seen.causes(); !strings.Contains(causes, "the base string is POST&http%3A%2F%2F127.0.0.1") || strings.Contains(causes, consumerSecret) {
				t.Errorf("causes = %s", causes)
			}
		},
		"clocks may be five minutes off, and nonces are good once": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			for off, ok := range map[time.Duration]bool{0: true, 5 * time.Minute: true, -5 * time.Minute: true, 301 * time.Second: false, -301 * time.Second: false} {
				side := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader).with(func(c *oauth1.SignerConfig) {
					c.Now = func() time.Time { return w.clock.Now().Add(off) }
				})
				signed := side.sign(oauth1.Outgoing{Method: "POST", URL: temporaryPath, Callback: consumerBack})
				if !ok {
					w.send("POST", signed).problem(t, 401, "timestamp_refused")
					continue
				}
				w.send("POST", signed).issued(t)
				w.send("POST", signed).problem(t, 401, "nonce_used")
			}
			// However the clock moves, whoever repeats a request is too late for its nonce or for its timestamp.
			side := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader).with(func(c *oauth1.SignerConfig) {
				c.Now = func() time.Time { return w.clock.Now().Add(5 * time.Minute) }
			})
			signed := side.sign(oauth1.Outgoing{Method: "POST", URL: temporaryPath, Callback: consumerBack})
			w.send("POST", signed).issued(t)
			w.clock.Pass(10 * time.Minute)
			w.send("POST", signed).problem(t, 401, "nonce_used")
			w.clock.Pass(time.Second)
			w.send("POST", signed).problem(t, 401, "timestamp_refused")
			// Another client, and another token, may use the nonce.
			same := func(c *oauth1.SignerConfig) { c.Nonce = func() string { return "same" } }
			w.as("plain", oauth1.HMACSHA1, oauth1.InHeader).with(same).temporary(consumerBack)
			w.as("other", oauth1.HMACSHA1, oauth1.InHeader).with(same).temporary(consumerBack)
		},
		"a callback that is not registered is refused, and oob of who has one": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader)
			for _, to := range []string{consumerBack + "/more", "https://evil.example/cb", "oob", "javascript:alert(1)", consumerBack + "?x=1"} {
				v := side.call(oauth1.Outgoing{Method: "POST", URL: temporaryPath, Callback: to}).problem(t, 400, "parameter_rejected")
				if v.Get("oauth_parameters_rejected") != "oauth_callback" {
					t.Errorf("callback %s: %v", to, v)
				}
			}
			w.as("typist", oauth1.HMACSHA1, oauth1.InHeader).call(oauth1.Outgoing{Method: "POST", URL: temporaryPath, Callback: consumerBack}).problem(t, 400, "parameter_rejected")
		},
		"whoever says no sends the client away, and the verifier that was never told is wrong": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, func(s *setup) {
				s.Decide = func(c Ctx, ask *server.Ask) (server.Answer, error) { return sayNo(c, ask) }
			})
			side := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader)
			temporary := side.temporary(consumerBack)
			side.exchange(temporary, "guess").problem(t, 401, "permission_unknown")
			to, q := w.decided(temporary)
			if to != consumerBack || q.Get("oauth_problem") != "permission_denied" || q.Get("oauth_token") != temporary.Token || q.Get("oauth_verifier") != "" {
				t.Errorf("callback = %s %v", to, q)
			}
			side.exchange(temporary, "guess").problem(t, 401, "permission_denied")
			w.get(t, "/oauth1/authorize?oauth_token="+temporary.Token).refused(t, 410, "invalid_request")
		},
		"a verifier and its credentials are good once, for their client, in time": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side, other := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader), w.as("other", oauth1.HMACSHA1, oauth1.InHeader)
			temporary, second := side.temporary(consumerBack), side.temporary(consumerBack)
			side.exchange(temporary, "early").problem(t, 401, "permission_unknown")
			_, q := w.decided(temporary)
			_, q2 := w.decided(second)
			right := q.Get("oauth_verifier")
			other.exchange(temporary, right).problem(t, 401, "signature_invalid")
			side.exchange(temporary, right+"x").problem(t, 401, "verifier_invalid")
			side.exchange(temporary, q2.Get("oauth_verifier")).problem(t, 401, "verifier_invalid")
			side.exchange(credentials1{temporary.Token, "guess"}, right).problem(t, 401, "signature_invalid")
			side.exchange(credentials1{"unknown", temporary.Secret}, right).problem(t, 401, "signature_invalid")
			side.holding(temporary).call(oauth1.Outgoing{Method: "POST", URL: tokenPath1}).problem(t, 400, "parameter_absent")
			side.call(oauth1.Outgoing{Method: "POST", URL: tokenPath1, Verifier: right}).problem(t, 400, "parameter_absent")
			// Temporary credentials open no API, neither before nor after.
			side.holding(temporary).call(oauth1.Outgoing{Method: "GET", URL: "/old"}).challenged(t, 401, "signature_invalid")
			c, _ := side.exchange(temporary, right).issued(t)
			side.exchange(temporary, right).problem(t, 401, "token_used")
			side.holding(c).call(oauth1.Outgoing{Method: "GET", URL: "/old"}).status(t, 200)
			side.holding(temporary).call(oauth1.Outgoing{Method: "GET", URL: "/old"}).challenged(t, 401, "signature_invalid")
			side.exchange(c, right).problem(t, 401, "signature_invalid")
			w.clock.Pass(10 * time.Minute)
			side.exchange(second, q2.Get("oauth_verifier")).problem(t, 401, "token_expired")
			side.holding(c).call(oauth1.Outgoing{Method: "GET", URL: "/old"}).status(t, 200)
			w.clock.Pass(5 * 365 * 24 * time.Hour)
			side.holding(c).call(oauth1.Outgoing{Method: "GET", URL: "/old"}).status(t, 200) // they have no end
		},
		"whoever takes it back ends the credentials at once": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader)
			c := side.login()
			id, _ := side.holding(c).call(oauth1.Outgoing{Method: "GET", URL: "/old"}).status(t, 200).json(t)["grant"].(string)
			if err := w.store.RevokeGrant(t.Context(), id, store.BySubject, w.clock.Now()); err != nil {
				t.Fatal(err)
			}
			side.holding(c).call(oauth1.Outgoing{Method: "GET", URL: "/old"}).challenged(t, 401, "token_revoked")
		},
		"without a callback the verifier is shown, to be typed, and a no ends there": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, builtInPages)
			side, b := w.as("typist", oauth1.HMACSHA1, oauth1.InHeader), newBrowser(w.world)
			temporary := side.temporary("oob")
			p := b.open("/oauth1/authorize?oauth_token=" + temporary.Token).signIn("alice")
			if !strings.Contains(p.Body, `id="page-consent"`) || !strings.Contains(p.Body, "The typist") || strings.Contains(p.Body, `id="redirect-host"`) {
				t.Fatalf("page = %q", p.Body)
			}
			form := p.form()
			for range 2 { // a double click
				p = form.submit("action", "allow").is(200)
			}
			p.fields(t, "Cache-Control", "no-store", "Referrer-Policy", "no-referrer")
			found := regexp.MustCompile(`id="oauth-verifier"[^>]*>([^<]+)<`).FindStringSubmatch(p.Body)
			if found == nil {
				t.Fatalf("page = %q", p.Body)
			}
			side.exchange(temporary, found[1]).issued(t)
			form.submit("action", "allow").is(410)
			b.open("/oauth1/authorize?oauth_token=" + temporary.Token).is(410)
			denied := side.temporary("oob")
			p = b.open("/oauth1/authorize?oauth_token="+denied.Token).form().submit("action", "deny")
			if !strings.Contains(p.Body, `id="page-verifier-denied"`) {
				t.Errorf("page = %q", p.Body)
			}
			side.exchange(denied, "guess").problem(t, 401, "permission_denied")
			// Who allowed it once is asked again: somebody else may have begun it.
			if p := b.open("/oauth1/authorize?oauth_token=" + side.temporary("oob").Token); !strings.Contains(p.Body, `id="page-consent"`) {
				t.Errorf("page = %q", p.Body)
			}
		},
		"the built-in pages ask once, and then remember": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, builtInPages)
			side, b := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader), newBrowser(w.world)
			temporary := side.temporary(consumerBack)
			p := b.open("/oauth1/authorize?oauth_token=" + temporary.Token).signIn("alice")
			if !strings.Contains(p.Body, `consumer.example.com`) {
				t.Errorf("page = %q", p.Body)
			}
			form := p.form()
			first, second := form.post("action", "allow"), form.post("action", "allow")
			to := first.status(t, 303).Header.Get("Location")
			if to != second.status(t, 303).Header.Get("Location") || !strings.HasPrefix(to, consumerBack+"?oauth_token="+temporary.Token+"&oauth_verifier=") {
				t.Errorf("Location = %q, %q", to, second.Header.Get("Location"))
			}
			again := side.temporary(consumerBack)
			if to := b.open("/oauth1/authorize?oauth_token=" + again.Token).Header.Get("Location"); !strings.HasPrefix(to, consumerBack) {
				t.Errorf("Location = %q", to)
			}
			form.post("action", "deny").is(410)
		},
		"who cancels the sign-in decides nothing": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, builtInPages)
			side, b := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader), newBrowser(w.world)
			temporary := side.temporary(consumerBack)
			p := b.open("/oauth1/authorize?oauth_token="+temporary.Token).form().submit("action", "cancel")
			if to := p.Header.Get("Location"); !strings.Contains(to, "oauth_problem=permission_denied") {
				t.Errorf("Location = %q", to)
			}
			side.exchange(temporary, "guess").problem(t, 401, "permission_unknown")
		},
		"unknown, repeated and old tokens get a page, never a redirect": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader)
			temporary := side.temporary(consumerBack)
			for target, status := range map[string]int{
				"": 400, "?oauth_token=": 400, "?oauth_token=unknown": 400, "?oauth_token=a&oauth_token=b": 400, "?oauth_token=" + strings.Repeat("x", 300): 400, "?handle=junk": 410,
			} {
				w.get(t, "/oauth1/authorize"+target).refused(t, status, "invalid_request")
			}
			w.clock.Pass(10 * time.Minute)
			w.get(t, "/oauth1/authorize?oauth_token="+temporary.Token).refused(t, 410, "invalid_request")
		},
		"another browser cannot decide, nor another user": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, builtInPages)
			side, b := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader), newBrowser(w.world)
			form := b.open("/oauth1/authorize?oauth_token=" + side.temporary(consumerBack).Token).signIn("alice").form()
			stranger := newBrowser(w.world)
			stranger.send("POST", form.action, with(form.values, "action", "allow"), "Origin", w.url).is(403)
			b.crossSite(form.action, with(form.values, "action", "allow")).is(403)
			if to := form.post("action", "allow").Header.Get("Location"); !strings.HasPrefix(to, consumerBack) {
				t.Errorf("Location = %q", to)
			}
		},
		"extra parameters go with both answers, and cannot be the protocol's": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, func(s *setup) {
				s.OAuth1.Extra = func(_ context.Context, i server.OAuth1Issue) ([]mandate.Field, error) {
					switch {
					case i.Client.ID == "other" && i.Temporary:
						return []mandate.Field{{Name: "oauth_token", Value: "mine"}}, nil
					case i.Client.ID == "launcher":
						return nil, mandate.Errorf(mandate.AccessDenied, errors.New("suspended"), "the account is suspended")
					}
					return []mandate.Field{{Name: "who", Value: i.Subject + "&" + strconv.FormatBool(i.Temporary)}}, nil
				}
			})
			side := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader)
			temporary, v := side.call(oauth1.Outgoing{Method: "POST", URL: temporaryPath, Callback: consumerBack}).issued(t)
			_, q := w.decided(temporary)
			_, v2 := side.exchange(temporary, q.Get("oauth_verifier")).issued(t)
			if v.Get("who") != "&true" || v2.Get("who") != "alice&false" {
				t.Errorf("extra = %v, %v", v, v2)
			}
			out := oauth1.Outgoing{Method: "POST", URL: temporaryPath, Callback: consumerBack}
			w.as("other", oauth1.HMACSHA1, oauth1.InHeader).call(out).status(t, 500)
			if ans := w.as("launcher", oauth1.HMACSHA1, oauth1.InHeader).call(out).status(t, 400); !strings.Contains(ans.Body, "error=access_denied") {
				t.Errorf("body = %q", ans.Body)
			}
		},
		"what is off is not there": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			for _, path := range []string{temporaryPath, "/oauth1/authorize", tokenPath1} {
				w.do(t, "POST", path, "").status(t, 404)
			}
			on := newOldWorld(t, a, func(s *setup) { s.OAuth1 = new(server.OAuth1) })
			out := oauth1.Outgoing{Method: "POST", URL: temporaryPath, Callback: consumerBack}
			for _, m := range []oauth1.Standard{oauth1.Plaintext, oauth1.RSASHA1} {
				on.as("keyed", m, oauth1.InHeader).call(out).problem(t, 400, "signature_method_rejected")
			}
			if strings.Contains(on.get(t, "/.well-known/oauth-authorization-server").Body, "oauth1") {
				t.Error("RFC 8414 knows no OAuth 1.0a")
			}
		},
		"hostile headers and forms are refused": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader)
			for _, header := range []string{
				`OAuth oauth_consumer_key="%zz"`, `OAuth oauth_consumer_key="a%00b",oauth_signature_method="HMAC-SHA1",oauth_signature="x",oauth_timestamp="1",oauth_nonce="n",oauth_callback="oob"`,
				`OAuth oauth_consumer_key=`, `OAuth "`, `OAuth ` + strings.Repeat(`a="b",`, 2000), `OAuth oauth_nonce="%ff"`,
			} {
				if ans := w.do(t, "POST", temporaryPath, "", "Authorization", header); ans.Status != 400 && ans.Status != 431 {
					t.Errorf("%.40q: %d %q", header, ans.Status, ans.Body)
				}
			}
			if ans, err := w.try(t, "POST", temporaryPath, "", "Authorization", `OAuth realm="`+strings.Repeat("x", 1<<20)+`"`); err == nil && ans.Status != 431 && ans.Status != 400 {
				t.Errorf("1 MiB of header: %d", ans.Status)
			}
			if ans := w.do(t, "POST", temporaryPath, "a="+strings.Repeat("x", 70<<10), "Content-Type", formContent); ans.Status != 413 && ans.Status != 400 {
				t.Errorf("70 KiB of form: %d", ans.Status)
			}
			side.temporary(consumerBack)
		},
	}
}

// sayNo denies, in the name of alice.
func sayNo(_ Ctx, ask *server.Ask) (server.Answer, error) {
	if !ask.OAuth1() || ask.Device() {
		return server.Answer{}, errors.New("the Ask does not tell that it is OAuth 1.0a")
	}
	ask.Accepts(server.User{Subject: "alice"})
	return server.Deny(), nil
}
