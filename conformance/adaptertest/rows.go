package adaptertest

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// whole turns on every endpoint, with the built-in pages.
func whole(s *setup) {
	builtInPages(s)
	s.PushedRequests = &server.PushedRequests{}
	s.Registration = &server.Registration{Open: true, Management: true}
	s.Device = &server.Device{}
	s.AccountPage, s.Logos = true, true
	s.SignedIntrospection = &server.SignedIntrospection{}
	for _, c := range s.Clients {
		if c.ID == web().id {
			c.Metadata.GrantTypes = append(c.Metadata.GrantTypes, oauth2.GrantDeviceCode)
		}
	}
}

// formEndpoints are the endpoints where clients post forms, each with one that works for web.
func formEndpoints() map[string]url.Values {
	pushed := web().request()
	pushed.Del("client_id")
	return map[string]url.Values{
		"/token": {"grant_type": {"client_credentials"}, "scope": {"read"}}, "/revoke": {"token": {"x"}}, "/introspect": {"token": {"x"}},
		"/par": pushed, "/device_authorization": {"scope": {"read"}},
	}
}

// everythingOn are the cases of what is alike at every endpoint, whatever is on.
func everythingOn() cases {
	const formType = "application/x-www-form-urlencoded"
	const nothing = "token_type_hint=&claims=&nonce=&client_secret=&client_assertion=&client_assertion_type=&resource=&resource=&audience=&authorization_details=" +
		"&request=&request_uri=&response_mode=&prompt=&max_age=&display=&ui_locales=&acr_values=&login_hint=&id_token_hint=&x=1&x=2"
	send := func(t *testing.T, w *world, path, kind, body string) *answer {
		t.Helper()
		return w.do(t, "POST", path, body, "Content-Type", kind, "Authorization", basic(web().id, web().secret))
	}
	works := func(t *testing.T, path string, ans *answer) {
		t.Helper()
		if want := map[string]int{"/par": 201}[path]; ans.Status != max(want, 200) {
			t.Errorf("%s = %d %s", path, ans.Status, ans.Body)
		}
		ans.fields(t, "Cache-Control", "no-store")
	}
	list := cases{
		"what nobody knows is ignored, repeated or not, and what is empty is absent": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, whole)
			for path, form := range formEndpoints() {
				works(t, path, send(t, w, path, formType, nothing+"&"+form.Encode()+"&x=&audience2=a"))
			}
			ans := w.get(t, "/authorize?"+nothing+"&"+web().request().Encode()+"&x=&audience2=a").status(t, 303)
			if !strings.HasPrefix(ans.Header.Get("Location"), "/interaction/login?") {
				t.Errorf("Location = %q, want the sign-in", ans.Header.Get("Location"))
			}
			w.get(t, "/device?"+nothing+"&user_code=", "Accept", "text/html").status(t, 200)
		},
		"what takes forms alone has no HEAD, and says so": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, whole)
			for path := range formEndpoints() {
				ans := w.do(t, "HEAD", path, "")
				if allow := ans.Header.Get("Allow"); ans.Status != 405 || !strings.HasPrefix(allow, "POST") {
					t.Errorf("%s = %d, Allow %q", path, ans.Status, allow)
				}
			}
		},
		"a form may name its character set": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, whole)
			for path, form := range formEndpoints() {
				works(t, path, send(t, w, path, "Application/X-WWW-Form-Urlencoded ;charset=UTF-8", form.Encode()))
			}
			for _, kind := range []string{"application/json; charset=utf-8", "Application/JSON"} {
				ans := w.do(t, "POST", "/register", `{"redirect_uris":["https://app.example.com/cb"]}`, "Content-Type", kind).status(t, 201)
				ans.fields(t, "Content-Type", "application/json", "Cache-Control", "no-store")
			}
		},
		"JSON, text, files and nothing are no form": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, whole)
			for path, form := range formEndpoints() {
				for kind, body := range map[string]string{
					"application/json": `{"grant_type":"client_credentials","scope":"read","token":"x"}`, "text/plain": form.Encode(),
					"multipart/form-data; boundary=x": "--x\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nx\r\n--x--\r\n",
				} {
					send(t, w, path, kind, body).refused(t, 400, "invalid_request")
				}
			}
			w.form(t, "/register", url.Values{"redirect_uris": {callback}}).refused(t, 400, "invalid_request")
			w.do(t, "POST", "/register", "", "Content-Type", "application/json").refused(t, 400, "invalid_request")
		},
		"a parameter that OAuth knows and that is repeated is refused": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, whole)
			for path, form := range formEndpoints() {
				for name := range form {
					send(t, w, path, formType, form.Encode()+"&"+name+"="+url.QueryEscape(form.Get(name))).refused(t, 400, "invalid_request")
				}
			}
		},
		"a body over the limit is 413": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, whole)
			for path, form := range formEndpoints() {
				send(t, w, path, formType, form.Encode()+"&pad="+strings.Repeat("x", 64<<10)).refused(t, 413, "invalid_request")
			}
			w.do(t, "POST", "/register", `{"client_name":"`+strings.Repeat("x", 32<<10)+`"}`, "Content-Type", "application/json").refused(t, 413, "invalid_request")
		},
		"who proves nothing is challenged, and the answer is for nobody else": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, whole)
			for path, form := range formEndpoints() {
				for _, fields := range [][]string{nil, {"Authorization", basic("web", "wrong")}} {
					ans := w.form(t, path, form, fields...)
					ans.refused(t, 401, "invalid_client")
					ans.fields(t, "WWW-Authenticate", `Basic realm="`+w.url+`"`, "Pragma", "no-cache")
				}
			}
		},
		"an error has its page at each endpoint": func(t *testing.T, a Adapter) {
			const page = "https://docs.example.com/errors"
			w := newWorld(t, a, func(s *setup) {
				whole(s)
				s.ErrorURIs = map[mandate.Code]string{mandate.InvalidScope: page, mandate.InvalidClientMetadata: page}
			})
			for _, path := range []string{"/token", "/par", "/device_authorization"} {
				ans := send(t, w, path, formType, with(formEndpoints()[path], "scope", "unknown").Encode())
				if ans.refused(t, 400, "invalid_scope"); ans.text(t, "error_uri") != page {
					t.Errorf("%s: body = %s", path, ans.Body)
				}
			}
			ans := w.do(t, "POST", "/register", `{"redirect_uris":["https://app.example.com/cb"],"scope":"admin"}`, "Content-Type", "application/json")
			if ans.refused(t, 400, "invalid_client_metadata"); ans.text(t, "error_uri") != page {
				t.Errorf("body = %s", ans.Body)
			}
		},
		"a server that is paused answers 503 at each endpoint": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, whole)
			w.srv.Pause(time.Minute)
			for path, form := range formEndpoints() {
				ans := send(t, w, path, formType, form.Encode())
				ans.refused(t, 503, "temporarily_unavailable")
				ans.fields(t, "Retry-After", "60")
			}
			w.do(t, "POST", "/register", `{}`, "Content-Type", "application/json").refused(t, 503, "temporarily_unavailable")
			w.get(t, "/register/someone", "Authorization", "Bearer x").refused(t, 503, "temporarily_unavailable")
			for _, path := range []string{"/device", "/interaction/applications"} {
				w.get(t, path, "Accept", "text/html").status(t, 503).fields(t, "Retry-After", "60", "Content-Type", "text/html; charset=utf-8", "Cache-Control", "no-store")
			}
		},
		"the origins that are allowed read answers at each endpoint that scripts may call, and others at none": func(t *testing.T, a Adapter) {
			const good, bad = "https://spa.example.com", "https://evil.example.com"
			w := newWorld(t, a, func(s *setup) {
				whole(s)
				s.AllowOrigin = func(origin string) bool { return origin == good }
			})
			for path, scripts := range map[string]bool{
				"/token": true, "/revoke": true, "/par": true, "/register": true, "/register/someone": true, "/introspect": false, "/device_authorization": false,
			} {
				method := map[string]string{"/register/someone": "PUT"}[path]
				for origin, want := range map[string]string{good: good, bad: ""} {
					if !scripts {
						want = ""
					}
					w.do(t, "OPTIONS", path, "", "Origin", origin, "Access-Control-Request-Method", "POST").fields(t, "Access-Control-Allow-Origin", want, "Access-Control-Allow-Credentials", "")
					w.do(t, max(method, "POST"), path, "", "Origin", origin).fields(t, "Access-Control-Allow-Origin", want, "Access-Control-Allow-Credentials", "")
				}
			}
		},
		"numbers of seconds are whole numbers": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, whole)
			for path, want := range map[string]string{"/token": `"expires_in":3600`, "/par": `"expires_in":60`, "/device_authorization": `"expires_in":600,"interval":5`} {
				if ans := send(t, w, path, formType, formEndpoints()[path].Encode()); !strings.Contains(ans.Body, want) {
					t.Errorf("%s = %s, want %s", path, ans.Body, want)
				}
			}
		},
		"a hint says nothing to introspection": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, whole)
			got := w.token(web(), formEndpoints()["/token"]).tokens(t)
			for _, hint := range []string{"", "access_token", "refresh_token", "something else"} {
				ans := send(t, w, "/introspect", formType, url.Values{"token": {got.Access}, "token_type_hint": {hint}}.Encode()).status(t, 200)
				if ans.json(t)["active"] != true {
					t.Errorf("hint %q: %s", hint, ans.Body)
				}
			}
		},
		"the words of a response type may stand in any order": func(t *testing.T, a Adapter) {
			p := party{"orders", "", "none", callback}
			for _, registered := range []string{"code token", "token code"} {
				w := newWorld(t, a, func(s *setup) {
					s.InsecureImplicit = true
					c := p.client("authorization_code", "implicit")
					c.Metadata.ResponseTypes = []string{registered}
					s.Clients = append(s.Clients, c)
				})
				for _, asked := range []string{"code token", "token code", " token  code "} {
					_, q := w.authorize(with(p.request(), "response_type", asked)).params(t)
					if q.Get("code") == "" || q.Get("access_token") == "" {
						t.Errorf("registered %q, asked for %q: %v", registered, asked, q)
					}
				}
				for asked, code := range map[string]string{"code": "unauthorized_client", "token": "unauthorized_client", strings.Repeat("token ", 2): "unsupported_response_type"} {
					if _, q := w.authorize(with(p.request(), "response_type", asked)).params(t); q.Get("error") != code {
						t.Errorf("registered %q, asked for %q: %v, want %s", registered, asked, q, code)
					}
				}
			}
		},
	}
	for name, tc := range map[string]struct{ secret, hash string }{
		"of base64":               {"c2VjcmV0+c2VjcmV0/c2VjcmV0==", "$2a$04$mPCyins3haKUrG4fdFzAD.spjeiYaBa.hMSYy.izhpnAmT.lIJoPC"},
		"with a percent":          {"100%-sure-of-this-secret", "$2a$04$Td5neebSkEVbYSEwlyrnWODyU6TO5/.ItSP8YVph3N/L0JID66IEy"},
		"with an escape":          {"a%20secret%2Bthat-looks-encoded", "$2a$04$5ltVG8UW6YXUiomN20nN2Ow1EMuDr6qiRbbWHCmGzdzatXLz66EDa"},
		"with a colon and spaces": {"a secret: with+more%", "$2a$04$YBS76EhwjS5DupT5hrWK5Oq482mHqMB1lDZHz4c3XZRAoxbUnkDgS"},
	} {
		secret := tc.secret
		list["Basic with a secret "+name+", encoded and as it is"] = func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				for id, kept := range map[string]store.Secret{"made": server.HashSecret(secret), "chosen": bcrypted(tc.hash)} {
					s.Clients = append(s.Clients, &store.Client{ID: id, Secrets: []store.Secret{kept}, Metadata: oauth2.ClientMetadata{GrantTypes: []string{"client_credentials"}}})
				}
			})
			ask := func(field string) *answer {
				return w.form(t, "/token", formEndpoints()["/token"], "Authorization", field)
			}
			raw := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
			for _, id := range []string{"made", "chosen"} {
				for range 7 { // nobody who has the right one is taken for somebody who guesses
					ask(basic(id, secret)).tokens(t)
					ask(raw(id + ":" + secret)).tokens(t)
				}
				for _, wrong := range []string{raw(id + ":" + secret + "x"), basic(id, secret+"x"), basic(id, url.QueryEscape(url.QueryEscape(secret)))} {
					ask(wrong).refused(t, 401, "invalid_client")
				}
			}
		}
	}
	return list
}
