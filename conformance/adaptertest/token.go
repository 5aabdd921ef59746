package adaptertest

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

// tokenEndpoint are the cases of RFC 6749, section 5.
func tokenEndpoint() cases {
	list := cases{
		"a code becomes an access token and a refresh token": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			got := w.login(web())
			if got.Type != "Bearer" || got.ExpiresIn != time.Hour || got.Scope != "read" || !strings.HasPrefix(got.Access, "mda_") || !strings.HasPrefix(got.Refresh, "mdr_") {
				t.Errorf("answer = %+v", got)
			}
			if sub := w.alive(got.Access).text(t, "sub"); sub != "alice" {
				t.Errorf("subject = %q, want alice", sub)
			}
		},
		"a client that is not registered for refresh gets no refresh token": func(t *testing.T, a Adapter) {
			p := party{"short", "short-secret-01234567", "client_secret_basic", callback}
			w := newWorld(t, a, func(s *setup) { s.Clients = append(s.Clients, p.client("authorization_code")) })
			if got := w.login(p); got.Refresh != "" {
				t.Errorf("refresh token = %q, want none", got.Refresh)
			}
		},
		"a code ends after its minute, and not before": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			early, late := w.code(web()), w.code(web())
			w.clock.Pass(time.Minute - time.Millisecond)
			w.token(web(), web().exchange(early)).tokens(t)
			w.clock.Pass(time.Millisecond)
			w.token(web(), web().exchange(late)).refused(t, 400, "invalid_grant")
		},
		"an access token ends when expires_in says": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			got := w.login(web())
			w.clock.Pass(got.ExpiresIn - time.Millisecond)
			w.alive(got.Access)
			w.clock.Pass(time.Millisecond)
			w.get(t, "/api", "Authorization", "Bearer "+got.Access).refused(t, 401, "invalid_token")
		},
		"lifetimes of a client's own count first": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Clients[0].Policy = store.Policy{TokenTTL: 5 * time.Minute, CodeTTL: 10 * time.Second}
			})
			if got := w.login(web()); got.ExpiresIn != 5*time.Minute {
				t.Errorf("expires_in = %v, want 5m", got.ExpiresIn)
			}
			code := w.code(web())
			w.clock.Pass(10 * time.Second)
			w.token(web(), web().exchange(code)).refused(t, 400, "invalid_grant")
		},
		"a code that is used twice ends what came of it": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			code := w.code(web())
			got := w.token(web(), web().exchange(code)).tokens(t)
			w.token(web(), web().exchange(code)).refused(t, 400, "invalid_grant")
			w.dead(web(), got.Access, got.Refresh)
		},
		"a code that is used again after half a minute and a rotation ends all of it": func(t *testing.T, a Adapter) {
			for name, p := range map[string]party{"opaque": web(), "jwt": jwtWeb()} {
				t.Run(name, func(t *testing.T) {
					w := newWorld(t, a, nil)
					code := w.code(p)
					first := w.token(p, p.exchange(code)).tokens(t)
					second := w.refresh(p, first.Refresh)
					w.clock.Pass(31 * time.Second)
					w.alive(first.Access)
					w.token(p, p.exchange(code)).refused(t, 400, "invalid_grant")
					w.dead(p, first.Access, first.Refresh)
					w.dead(p, second.Access, second.Refresh)
				})
			}
		},
		"a code that is both used and over still raises the alarm": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			code := w.code(web())
			got := w.token(web(), web().exchange(code)).tokens(t)
			w.clock.Pass(5 * time.Minute)
			w.token(web(), web().exchange(code)).refused(t, 400, "invalid_grant")
			w.dead(web(), got.Access, got.Refresh)
		},
	}
	for name, c := range tokenRefusals() {
		list["refused, and nothing spent: "+name] = c
	}
	return list
}

// wrongRequest is a request at the token endpoint that is refused.
type wrongRequest struct {
	by      func() party // web where nil
	changes []string     // to the ordinary exchange
	status  int
	code    string
}

// tokenRefusals are the ways to fail at the token endpoint with a good code: afterwards it still works.
func tokenRefusals() cases {
	grant := func(code string, changes ...string) wrongRequest { return wrongRequest{nil, changes, 400, code} }
	table := map[string]wrongRequest{
		"no grant_type":                         grant("invalid_request", "grant_type", ""),
		"an unknown grant_type":                 grant("unsupported_grant_type", "grant_type", "magic"),
		"the password grant, which is off":      grant("unsupported_grant_type", "grant_type", "password"),
		"the implicit grant":                    grant("unsupported_grant_type", "grant_type", "implicit"),
		"no code":                               grant("invalid_request", "code", ""),
		"a code that is garbage":                grant("invalid_grant", "code", "garbage"),
		"a code with the right prefix alone":    grant("invalid_grant", "code", "mdc_"),
		"a code of the right length":            grant("invalid_grant", "code", "mdc_"+strings.Repeat("A", 54)),
		"a code at the refresh grant":           grant("invalid_grant", "grant_type", "refresh_token", "refresh_token", "{code}"),
		"no redirect_uri":                       grant("invalid_grant", "redirect_uri", ""),
		"another redirect_uri":                  grant("invalid_grant", "redirect_uri", callback+"/other"),
		"redirect_uri with a slash more":        grant("invalid_grant", "redirect_uri", callback+"/"),
		"no code_verifier":                      grant("invalid_grant", "code_verifier", ""),
		"another code_verifier":                 grant("invalid_grant", "code_verifier", strings.ToUpper(verifier)),
		"the challenge as code_verifier":        grant("invalid_grant", "code_verifier", web().request().Get("code_challenge")),
		"a code_verifier that is too short":     grant("invalid_grant", "code_verifier", verifier[:42]),
		"a code_verifier that is too long":      grant("invalid_grant", "code_verifier", strings.Repeat("v", 129)),
		"a code_verifier with a foreign letter": grant("invalid_grant", "code_verifier", verifier+"!"),
		"a resource that is unknown":            grant("invalid_target", "resource", "https://unknown.example.com"),
		"a resource that is no URI":             grant("invalid_target", "resource", "one"),
		"another client":                        {post, nil, 400, "invalid_grant"},
		"a client without that grant":           {service, nil, 400, "unauthorized_client"},
		"a public client":                       {spa, nil, 400, "invalid_grant"},
	}
	list := cases{
		"a code whose last letter was changed": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			code := w.code(web())
			for i := len(code) - 1; i > len("mdc_"); i -= 9 {
				other := byte('A')
				if code[i] == other {
					other = 'B'
				}
				w.token(web(), web().exchange(code[:i]+string(other)+code[i+1:])).refused(t, 400, "invalid_grant")
			}
			w.token(web(), web().exchange(code)).tokens(t)
		},
		"a refresh token at the code grant": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			got := w.login(web())
			w.token(web(), web().exchange(got.Refresh)).refused(t, 400, "invalid_grant")
			w.token(web(), web().exchange("mdc_"+got.Refresh[4:])).refused(t, 400, "invalid_grant")
			w.refresh(web(), got.Refresh)
			w.alive(got.Access)
		},
		"a resource beyond those that were granted": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			code := w.code(web(), "resource", "https://one.example.com")
			w.token(web(), with(web().exchange(code), "resource", "https://two.example.com/v1")).refused(t, 400, "invalid_target")
			w.token(web(), web().exchange(code)).tokens(t)
		},
	}
	for name, row := range table {
		list[name] = func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			code := w.code(web())
			p := web()
			if row.by != nil {
				p = row.by()
			}
			changes := append([]string{}, row.changes...)
			for i := range changes {
				changes[i] = strings.ReplaceAll(changes[i], "{code}", code)
			}
			w.token(p, with(web().exchange(code), changes...)).refused(t, row.status, row.code)
			got := w.token(web(), web().exchange(code)).tokens(t)
			w.alive(got.Access)
		}
	}
	return list
}

// forms are the cases of what a form may be, at the endpoints that take one.
func forms() cases {
	// own is a request that works, as a form.
	own := func() url.Values { return url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}} }
	send := func(w *world, body string, fields ...string) *answer {
		w.t.Helper()
		if len(fields) == 0 {
			fields = []string{"Content-Type", "application/x-www-form-urlencoded"}
		}
		return w.do(w.t, "POST", w.path("token"), body, append(fields, "Authorization", basic(web().id, web().secret))...)
	}
	list := cases{
		"unknown parameters are ignored, repeated or not": func(t *testing.T, a Adapter) {
			send(newWorld(t, a, nil), own().Encode()+"&x=1&x=2&y=3").tokens(t)
		},
		"an empty parameter is an absent one": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			send(w, "scope=&"+own().Encode()+"&scope=&client_id=&client_secret=&code=").tokens(t)
			send(w, "grant_type=&scope=read").refused(t, 400, "invalid_request")
		},
		"resource may repeat, and the token is for all of them": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			got := send(w, own().Encode()+"&resource=https://one.example.com&resource=https://two.example.com/v1").tokens(t)
			aud, _ := w.introspect(web(), got.Access).json(t)["aud"].([]any)
			if len(aud) != 2 {
				t.Errorf("aud = %v, want both", aud)
			}
		},
		"200 parameters are read and 201 are not": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			send(w, own().Encode()+strings.Repeat("&x=1", 198)).tokens(t)
			send(w, own().Encode()+strings.Repeat("&x=1", 199)).refused(t, 400, "invalid_request")
		},
		"64 KiB of body are read and no more": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			body := own().Encode() + "&pad="
			send(w, body+strings.Repeat("x", 64<<10-len(body))).tokens(t)
			send(w, body+strings.Repeat("x", 64<<10-len(body)+1)).refused(t, 413, "invalid_request")
		},
		"a body over the limit that comes in pieces is refused as well": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			chunk := "1000\r\n" + strings.Repeat("x", 0x1000) + "\r\n"
			w.raw(t, "POST /token HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n"+
				strings.Repeat(chunk, 17)+"0\r\n\r\n").refused(t, 413, "invalid_request")
		},
		"a body in pieces is a body": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			w.raw(t, "POST /token HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nAuthorization: "+basic(web().id, web().secret)+
				"\r\nTransfer-Encoding: chunked\r\n\r\n11\r\ngrant_type=client\r\n17\r\n_credentials&scope=read\r\n0\r\n\r\n").tokens(t)
		},
		"a body that is no form is refused": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			send(w, `{"grant_type":"client_credentials"}`, "Content-Type", "application/json").refused(t, 400, "invalid_request")
			send(w, own().Encode(), "Content-Type", "text/plain").refused(t, 400, "invalid_request")
			send(w, "--x\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nclient_credentials\r\n--x--\r\n", "Content-Type", "multipart/form-data; boundary=x").refused(t, 400, "invalid_request")
			send(w, own().Encode(), "X-Nothing", "").refused(t, 400, "invalid_request")
		},
		"the type of a form may be written in any case and have parameters": func(t *testing.T, a Adapter) {
			send(newWorld(t, a, nil), own().Encode(), "Content-Type", "Application/X-WWW-Form-URLEncoded ; charset=UTF-8").tokens(t)
		},
		"an empty body has no grant_type": func(t *testing.T, a Adapter) {
			send(newWorld(t, a, nil), "").refused(t, 400, "invalid_request")
		},
		"parameters in the URL do not count": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			w.form(t, "/token?client_id=post&client_secret="+post().secret, own()).refused(t, 401, "invalid_client")
			w.form(t, "/token?"+own().Encode(), nil, "Authorization", basic(web().id, web().secret)).refused(t, 400, "invalid_request")
		},
	}
	for _, name := range []string{"grant_type", "client_id", "client_secret", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", "client_assertion"} {
		list["repeated: "+name] = func(t *testing.T, a Adapter) {
			for _, p := range []party{web(), post()} {
				w := newWorld(t, a, nil)
				code := w.code(p)
				form := with(p.exchange(code))
				fields := p.sign(form)
				if form.Get(name) == "" {
					form.Set(name, "x")
				}
				form.Add(name, form.Get(name))
				w.form(t, "/token", form, fields...).refused(t, 400, "invalid_request")
				w.token(p, p.exchange(code)).tokens(t)
			}
		}
	}
	return list
}

// introspect asks about a token.
func (w *world) introspect(p party, token string) *answer {
	w.t.Helper()
	form := url.Values{"token": {token}}
	fields := p.sign(form)
	return w.form(w.t, w.path("introspect"), form, fields...)
}

// revoke revokes a token.
func (w *world) revoke(p party, token string) *answer {
	w.t.Helper()
	form := url.Values{"token": {token}}
	fields := p.sign(form)
	return w.form(w.t, w.path("revoke"), form, fields...)
}
