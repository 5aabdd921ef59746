package adaptertest

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// authorizeEndpoint are the cases of RFC 6749, section 4.1.
func authorizeEndpoint() cases {
	list := cases{
		"a request becomes a code, with the state and the issuer": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			for name, ans := range map[string]*answer{
				"GET": w.authorize(web().request()), "GET with unknown parameters": w.authorize(with(web().request(), "x", "1", "foo", "bar")),
			} {
				to, q := ans.params(t)
				if to != callback || q.Get("state") != "xyz" || q.Get("iss") != w.url || !strings.HasPrefix(q.Get("code"), "mdc_") || len(q) != 3 {
					t.Errorf("%s: Location = %q", name, ans.Header.Get("Location"))
				}
				ans.fields(t, "Cache-Control", "no-store", "Referrer-Policy", "no-referrer", "Access-Control-Allow-Origin", "")
			}
		},
		"a state comes back as it was": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			for _, state := range []string{`!"#$%&'()*+,-./:;<=>?@[\]^_{|}~ `, "%41", strings.Repeat("s", 2048), "a b", "0"} {
				if _, q := w.authorize(with(web().request(), "state", state)).params(t); q.Get("state") != state {
					t.Errorf("state = %q, want %q", q.Get("state"), state)
				}
			}
			if _, q := w.authorize(with(web().request(), "state", "")).params(t); q.Has("state") {
				t.Error("a state that nobody sent came back")
			}
		},
		"the issuer can be left out": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.OmitIss = true })
			if _, q := w.authorize(web().request()).params(t); q.Has("iss") {
				t.Errorf("iss = %q, want none", q.Get("iss"))
			}
		},
		"response_mode fragment puts the answer there, errors too": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			for _, scope := range []string{"read", "unknown"} {
				ans := w.authorize(with(web().request(), "response_mode", "fragment", "scope", scope))
				if to := ans.Header.Get("Location"); !strings.HasPrefix(to, callback+"#") || strings.Contains(to, "?") {
					t.Errorf("Location = %q, want a fragment", to)
				}
				if _, q := ans.params(t); q.Get("state") != "xyz" || q.Get("iss") != w.url {
					t.Errorf("parameters = %v", q)
				}
			}
			if to := w.authorize(with(web().request(), "response_mode", "query")).Header.Get("Location"); !strings.HasPrefix(to, callback+"?code=") {
				t.Errorf("Location = %q, want a query", to)
			}
		},
		"a query of the redirect URI stays": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.Clients[0].Metadata.RedirectURIs = []string{callback + "?app=1"} })
			to := w.authorize(with(web().request(), "redirect_uri", callback+"?app=1")).Header.Get("Location")
			if !strings.HasPrefix(to, callback+"?app=1&code=") {
				t.Errorf("Location = %q", to)
			}
		},
		"a POST is answered with a redirect to the endpoint's own GET, and touches no cookie": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			ans := w.form(t, "/authorize", web().request(), "Cookie", "x=y", "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site")
			to, q := ans.params(t)
			if to != "/authorize" || q.Get("handle") == "" || ans.Header.Get("Set-Cookie") != "" {
				t.Errorf("Location = %q, Set-Cookie = %q", ans.Header.Get("Location"), ans.Header.Get("Set-Cookie"))
			}
			if _, q := w.get(t, ans.Header.Get("Location"), "Sec-Fetch-Site", "cross-site").params(t); q.Get("code") == "" || q.Get("state") != "xyz" {
				t.Errorf("parameters = %v, want a code", q)
			}
		},
		"an error of the application's decision says nothing": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Decide = func(Ctx, *server.Ask) (server.Answer, error) { return server.Answer{}, errors.New("secret detail") }
			})
			ans := w.authorize(web().request())
			toldAs(t, w, ans, "server_error", true)
			if to := ans.Header.Get("Location"); strings.Contains(to, "error_description") {
				t.Errorf("Location = %q", to)
			}
		},
	}
	for name, c := range beforeTrust() {
		list["never a redirect: "+name] = c
	}
	for name, c := range afterTrust() {
		list["told by redirect: "+name] = c
	}
	return list
}

// beforeTrust are the requests whose client or redirect URI is not proven.
func beforeTrust() cases {
	list := cases{}
	for name, row := range map[string]struct {
		changes []string
		more    string // of the query, as it is
		code    string
	}{
		"no client_id":                       {[]string{"client_id", ""}, "", "invalid_request"},
		"an unknown client":                  {[]string{"client_id", "nobody"}, "", "invalid_client"},
		"a disabled client":                  {[]string{"client_id", "off"}, "", "invalid_client"},
		"client_id twice":                    {nil, "&client_id=web", "invalid_request"},
		"redirect_uri twice":                 {nil, "&redirect_uri=https://evil.example", "invalid_request"},
		"a redirect_uri that is not there":   {[]string{"redirect_uri", "https://evil.example/cb"}, "", "invalid_request"},
		"no redirect_uri, where several are": {[]string{"client_id", "native", "redirect_uri", ""}, "", "invalid_request"},
		"a client without a redirect URI":    {[]string{"client_id", "service", "redirect_uri", ""}, "", "invalid_request"},
		"percent-encoding that is broken":    {nil, "&x=%zz", "invalid_request"},
		"text that is not UTF-8":             {nil, "&x=%ff", "invalid_request"},
		"a NUL":                              {nil, "&x=%00", "invalid_request"},
		"201 parameters":                     {nil, strings.Repeat("&x=1", 200), "invalid_request"},
		"a handle that is garbage":           {[]string{"handle", "garbage"}, "", "invalid_request"},
	} {
		list[name] = func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				off := party{"off", "x", "client_secret_basic", callback}.client("authorization_code")
				off.Disabled = true
				s.Clients = append(s.Clients, off)
			})
			status := 400
			if strings.Contains(name, "handle") {
				status = 410
			}
			query := with(web().request(), row.changes...).Encode() + row.more
			ans := w.get(t, "/authorize?"+query, "Accept", "*/*")
			ans.refused(t, status, row.code)
			ans.fields(t, "Vary", "Accept, Sec-Fetch-Mode", "Location", "", "Set-Cookie", "")
			for _, fields := range [][]string{{"Accept", "text/html,*/*"}, {"Sec-Fetch-Mode", "navigate"}} {
				ans := w.get(t, "/authorize?"+query, fields...)
				ans.status(t, status)
				ans.fields(t, "Vary", "Accept, Sec-Fetch-Mode", "Location", "", "Cache-Control", "no-store", "Referrer-Policy", "no-referrer", "Content-Type", "text/html; charset=utf-8")
				if !strings.Contains(ans.Body, `id="page-error"`) || !strings.Contains(ans.Body, row.code) {
					t.Errorf("no error page: %.200q", ans.Body)
				}
			}
			w.do(t, "POST", "/authorize", query, "Content-Type", "application/x-www-form-urlencoded").refused(t, status, row.code)
		}
	}
	return list
}

// afterTrust are the requests that the client hears are wrong.
func afterTrust() cases {
	list := cases{
		"the user says no": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.Decide = func(Ctx, *server.Ask) (server.Answer, error) { return server.Deny(), nil } })
			toldAs(t, w, w.authorize(web().request()), "access_denied", true)
		},
		"none of the scopes is allowed": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Decide = func(Ctx, *server.Ask) (server.Answer, error) {
					return server.ApproveScopes(server.User{Subject: "alice"}, []string{"admin"}), nil
				}
			})
			toldAs(t, w, w.authorize(web().request()), "access_denied", true)
		},
		"the user has the name of the client": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			toldAs(t, w, w.authorize(web().request(), "X-User", "web"), "access_denied", true)
		},
		"nobody is the user": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Decide = func(Ctx, *server.Ask) (server.Answer, error) { return server.Approve(server.User{}), nil }
			})
			toldAs(t, w, w.authorize(web().request()), "server_error", true)
		},
	}
	for name, row := range map[string]struct {
		changes []string
		more    string
		code    string
		lost    bool // the state does not come back
	}{
		"no response_type":                 {[]string{"response_type", ""}, "", "invalid_request", false},
		"an unknown response_type":         {[]string{"response_type", "magic"}, "", "unsupported_response_type", false},
		"the implicit grant, which is off": {[]string{"response_type", "token"}, "", "unsupported_response_type", false},
		"a hybrid that is not there":       {[]string{"response_type", "code id_token"}, "", "unsupported_response_type", false},
		"the same response_type twice":     {[]string{"response_type", strings.Repeat(" code", 2)}, "", "unsupported_response_type", false},
		"a client without the code grant":  {[]string{"client_id", "nocode"}, "", "unauthorized_client", false},
		"an unknown response_mode":         {[]string{"response_mode", "pigeon"}, "", "invalid_request", false},
		"an unknown scope":                 {[]string{"scope", "read unknown"}, "", "invalid_scope", false},
		"a scope that is no scope":         {[]string{"scope", `re"ad`}, "", "invalid_scope", false},
		"a scope beyond the client's":      {[]string{"client_id", "narrow", "scope", "read write"}, "", "invalid_scope", false},
		"no scope where none is default":   {[]string{"scope", ""}, "", "invalid_scope", false},
		"a scope that is too long":         {[]string{"scope", strings.Repeat("a ", 4<<10) + "a"}, "", "invalid_scope", false},
		"no code_challenge":                {[]string{"code_challenge", "", "code_challenge_method", ""}, "", "invalid_request", false},
		"no code_challenge but a method":   {[]string{"code_challenge", ""}, "", "invalid_request", false},
		"the method plain":                 {[]string{"code_challenge_method", "plain"}, "", "invalid_request", false},
		"no method, which means plain":     {[]string{"code_challenge_method", ""}, "", "invalid_request", false},
		"an unknown method":                {[]string{"code_challenge_method", "s256"}, "", "invalid_request", false},
		"a code_challenge that is short":   {[]string{"code_challenge", "short"}, "", "invalid_request", false},
		"a code_challenge with padding":    {[]string{"code_challenge", oauth2.Challenge(verifier)[:42] + "="}, "", "invalid_request", false},
		"prompt none and login":            {[]string{"prompt", "none login"}, "", "invalid_request", false},
		"a max_age that is no number":      {[]string{"max_age", "soon"}, "", "invalid_request", false},
		"a max_age below zero":             {[]string{"max_age", "-1"}, "", "invalid_request", false},
		"a request object":                 {[]string{"request", "a.b.c"}, "", "request_not_supported", false},
		"a request_uri":                    {[]string{"request_uri", "urn:x"}, "", "request_uri_not_supported", false},
		"a resource that is unknown":       {[]string{"resource", "https://unknown.example.com"}, "", "invalid_target", false},
		"scope twice":                      {nil, "&scope=read", "invalid_request", false},
		"response_type twice":              {nil, "&response_type=code", "invalid_request", false},
		"nonce twice":                      {nil, "&nonce=1&nonce=1", "invalid_request", false},
		"code_challenge twice":             {nil, "&code_challenge=" + strings.Repeat("a", 43), "invalid_request", false},
		"a nonce that is too long":         {[]string{"nonce", strings.Repeat("n", 1025)}, "", "invalid_request", false},
		"state twice":                      {nil, "&state=abc", "invalid_request", true},
		"a state that is too long":         {[]string{"state", strings.Repeat("s", 2049)}, "", "invalid_request", true},
		"a state with a line in it":        {[]string{"state", "a\r\nX-Evil: 1"}, "", "invalid_request", true},
		"a state that is no ASCII":         {[]string{"state", "é"}, "", "invalid_request", true},
	} {
		list[name] = func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				nocode := party{"nocode", "x", "client_secret_basic", callback}.client("refresh_token")
				narrow := party{"narrow", "x", "client_secret_basic", callback}.client("authorization_code")
				narrow.Metadata.Scope = "read"
				s.Clients = append(s.Clients, nocode, narrow)
			})
			query := with(web().request(), row.changes...).Encode() + row.more
			toldAs(t, w, w.get(t, "/authorize?"+query), row.code, !row.lost)
			toldAs(t, w, w.do(t, "POST", "/authorize", query, "Content-Type", "application/x-www-form-urlencoded"), row.code, !row.lost)
			if sent := w.get(t, "/authorize?"+query).Header; len(sent["X-Evil"]) > 0 {
				t.Error("a header field was smuggled in")
			}
		}
	}
	return list
}

// toldAs checks that a tells the client of an error.
func toldAs(t *testing.T, w *world, a *answer, code string, state bool) {
	t.Helper()
	to, q := a.params(t)
	want := url.Values{"error": {code}, "iss": {w.issuer}}
	if state {
		want.Set("state", "xyz")
	}
	q.Del("error_description")
	if to != callback || q.Encode() != want.Encode() {
		t.Errorf("Location = %q, want %s with %v", a.Header.Get("Location"), callback, want)
	}
	a.fields(t, "Cache-Control", "no-store", "Referrer-Policy", "no-referrer", "Set-Cookie", "", "Access-Control-Allow-Origin", "")
}

// redirects are the cases of RFC 6749, section 3.1.2 and RFC 8252, sections 7 and 8.
func redirects() cases {
	list := cases{
		"the port of the request counts at the token endpoint": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			code := w.code(native(), "redirect_uri", "http://127.0.0.1:49152/cb")
			w.token(native(), native().exchange(code)).refused(t, 400, "invalid_grant")
			w.token(native(), with(native().exchange(code), "redirect_uri", "http://127.0.0.1:49153/cb")).refused(t, 400, "invalid_grant")
			w.token(native(), with(native().exchange(code), "redirect_uri", "http://127.0.0.1:49152/cb")).tokens(t)
		},
		"the only registered one may be left out": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			ans := w.authorize(with(web().request(), "redirect_uri", ""))
			to, q := ans.params(t)
			if to != callback {
				t.Fatalf("Location = %q", ans.Header.Get("Location"))
			}
			w.token(web(), with(web().exchange(q.Get("code")), "redirect_uri", "")).tokens(t)
		},
		"a confidential web client is held to its port": func(t *testing.T, a Adapter) {
			p := party{"local", "local-secret", "client_secret_basic", "http://127.0.0.1:8080/cb"}
			w := newWorld(t, a, func(s *setup) { s.Clients = append(s.Clients, p.client("authorization_code")) })
			w.code(p)
			w.authorize(with(p.request(), "redirect_uri", "http://127.0.0.1:8081/cb")).refused(t, 400, "invalid_request")
		},
	}
	for uri, ok := range map[string]bool{
		"http://127.0.0.1/cb": true, "http://127.0.0.1:1/cb": true, "http://127.0.0.1:65535/cb": true, "http://[::1]:4000/six": true, "http://[::1]/six": true,
		"http://localhost:8080/named": true, "http://localhost:9/named": true, "http://localhost/named": true, "com.example.app:/cb": true,
		"http://127.0.0.1:0/cb": false, "http://127.0.0.1:65536/cb": false, "http://127.0.0.1:080/cb": false, "http://127.0.0.1:/cb": false, "http://127.0.0.1:x/cb": false,
		"http://127.0.0.1:1/CB": false, "http://127.0.0.1:1/cb/": false, "http://127.0.0.1:1/cb?x=1": false, "http://127.0.0.1:1/": false, "http://127.0.0.1:1": false,
		"http://localhost:1/cb": false, "http://[::1]:1/cb": false, "http://127.0.0.2:1/cb": false, "http://127.1:1/cb": false, "https://127.0.0.1:1/cb": false,
		"http://user@127.0.0.1:1/cb": false, "http://127.0.0.1:1@evil.example/cb": false, "http://127.0.0.1:1/cb#x": false, "http://127.0.0.1.evil.example/cb": false,
		"http://127.0.0.1\\@evil.example/cb": false, "com.example.app:/cb2": false, "com.example.app://cb": false, "COM.example.app:/cb": false, "javascript:alert(1)": false,
	} {
		list[fmt.Sprintf("native %v: %s", ok, uri)] = redirectCase(native(), uri, ok)
	}
	for uri, ok := range map[string]bool{
		callback: true, callback + "/": false, callback + "?x": false, "https://app.example.com:443/cb": false, "https://app.example.com:8443/cb": false, "http://app.example.com/cb": false,
		"https://APP.example.com/cb": false, "https://app.example.com/CB": false, "https://app.example.com/%63b": false, "https://app.example.com/x/../cb": false,
		"https://app.example.com.evil.example/cb": false, "https://app.example.com@evil.example/cb": false, "https://app.example.com": false, "//app.example.com/cb": false,
		callback + "#": false, " " + callback: false, callback + "\x00": false, callback + "\r\nLocation: https://evil.example": false, callback + strings.Repeat("a", 5000): false,
	} {
		list[fmt.Sprintf("web %v: %.60q", ok, uri)] = redirectCase(web(), uri, ok)
	}
	return list
}

func redirectCase(p party, uri string, ok bool) func(t *testing.T, a Adapter) {
	return func(t *testing.T, a Adapter) {
		w := newWorld(t, a, nil)
		ans := w.authorize(with(p.request(), "redirect_uri", uri))
		if !ok {
			ans.refused(t, 400, "invalid_request")
			return
		}
		if to, _ := ans.params(t); to != uri {
			t.Errorf("Location = %q, want %s", ans.Header.Get("Location"), uri)
		}
	}
}

// scopesAndResources are the cases of RFC 6749, section 3.3 and RFC 8707.
func scopesAndResources() cases {
	ownToken := func(w *world, p party, changes ...string) *answer {
		w.t.Helper()
		return w.token(p, with(url.Values{"grant_type": {"client_credentials"}}, changes...))
	}
	return cases{
		"what was granted is what the token has, and is always said": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			if got := w.login(web(), "scope", "write  read write"); got.Scope != "write read" {
				t.Errorf("scope = %q, want write read", got.Scope)
			}
		},
		"the user may allow less": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Decide = func(Ctx, *server.Ask) (server.Answer, error) {
					return server.ApproveScopes(server.User{Subject: "alice"}, []string{"write", "admin"}), nil
				}
			})
			if got := w.login(web(), "scope", "read write"); got.Scope != "write" {
				t.Errorf("scope = %q, want write", got.Scope)
			}
		},
		"no scope is the client's default, then the server's, then refused": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.DefaultScopes = "read"
				s.Clients[0].Policy.Default = "write"
			})
			if got := ownToken(w, web()).tokens(t); got.Scope != "write" {
				t.Errorf("scope = %q, want write", got.Scope)
			}
			if got := ownToken(w, service()).tokens(t); got.Scope != "read" {
				t.Errorf("scope = %q, want read", got.Scope)
			}
			ownToken(newWorld(t, a, nil), service()).refused(t, 400, "invalid_scope")
		},
		"a scope that is unknown or beyond the client's is refused": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.Clients[4].Policy.Scopes = "read" })
			ownToken(w, service(), "scope", "unknown").refused(t, 400, "invalid_scope")
			ownToken(w, service(), "scope", "write").refused(t, 400, "invalid_scope")
			ownToken(w, service(), "scope", "read write").refused(t, 400, "invalid_scope")
			ownToken(w, service(), "scope", "re\"ad").refused(t, 400, "invalid_scope")
			ownToken(w, service(), "scope", "read").tokens(t)
		},
		"what a stranger registered gets public scopes": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.Clients[0].Origin = store.ByRegistration })
			w.code(web(), "scope", "open")
			toldAs(t, w, w.authorize(with(web().request(), "scope", "read", "prompt", "none")), "invalid_scope", true)
		},
		"two spellings of an origin are one resource": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			for _, spelling := range []string{"https://one.example.com", "https://one.example.com/", "HTTPS://ONE.example.com:443"} {
				got := ownToken(w, service(), "scope", "read", "resource", spelling).tokens(t)
				aud, _ := w.introspect(service(), got.Access).json(t)["aud"].([]any)
				if len(aud) != 1 || aud[0] != "https://one.example.com" {
					t.Errorf("%s: aud = %v, want the registered spelling", spelling, aud)
				}
			}
			ownToken(w, service(), "scope", "read", "resource", "https://two.example.com/v1/").refused(t, 400, "invalid_target")
		},
		"both resources are granted, and one may be picked": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			q := web().request()
			q["resource"] = []string{"https://one.example.com/", "https://two.example.com/v1"}
			_, got := w.authorize(q).params(t)
			both := w.token(web(), web().exchange(got.Get("code"))).tokens(t)
			if aud, _ := w.introspect(web(), both.Access).json(t)["aud"].([]any); len(aud) != 2 {
				t.Errorf("aud = %v, want both", aud)
			}
			one := w.token(web(), with(refreshing(both.Refresh), "resource", "https://one.example.com")).tokens(t)
			if aud, _ := w.introspect(web(), one.Access).json(t)["aud"].([]any); len(aud) != 1 {
				t.Errorf("aud = %v, want one", aud)
			}
			again := w.refresh(web(), one.Refresh)
			if aud, _ := w.introspect(web(), again.Access).json(t)["aud"].([]any); len(aud) != 2 {
				t.Errorf("aud = %v, want both again", aud)
			}
			w.get(t, "/api", "Authorization", "Bearer "+both.Access).refused(t, 401, "invalid_token")
		},
		"a resource of the client's own": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.Clients[0].Policy.Resources = "https://mine.example.com" })
			ownToken(w, web(), "scope", "read", "resource", "https://mine.example.com").tokens(t)
			ownToken(w, service(), "scope", "read", "resource", "https://mine.example.com").refused(t, 400, "invalid_target")
		},
	}
}
