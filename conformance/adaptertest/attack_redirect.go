package adaptertest

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// confused are redirect URIs that somebody could take for the registered one, by how they came to be. The registered ones are callback, and where
// the name says so "http://127.0.0.1/cb", of a native client, and "https://app.example.com/cb?tenant=1".
func confused() map[string]string {
	return map[string]string{
		"userinfo":                      "https://app.example.com@evil.example.com/cb",
		"userinfo of the same host":     "https://evil@app.example.com/cb",
		"userinfo with a password":      "https://app.example.com:443@evil.example.com/cb",
		"path traversal":                "https://app.example.com/cb/../open?to=evil",
		"path traversal to itself":      "https://app.example.com/x/../cb",
		"encoded path traversal":        "https://app.example.com/cb/%2e%2e/open",
		"encoded slash":                 "https://app.example.com%2fcb",
		"encoded slash behind":          callback + "%2f..%2fopen",
		"encoded dot":                   "https://app%2eexample.com/cb",
		"encoded letter":                "https://app.example.com/%63b",
		"double encoding":               "https://app.example.com/%2563b",
		"encoded host end":              "https://app.example.com%23.evil.example.com/cb",
		"encoded at":                    "https://app.example.com%40evil.example.com/cb",
		"capitals in the host":          "https://APP.EXAMPLE.COM/cb",
		"capitals in the scheme":        "HTTPS://app.example.com/cb",
		"capitals in the path":          "https://app.example.com/CB",
		"fragment":                      callback + "#@evil.example.com",
		"empty fragment":                callback + "#",
		"encoded fragment":              callback + "%23",
		"extra query":                   callback + "?next=https://evil.example.com",
		"empty query":                   callback + "?",
		"extra path":                    callback + "/evil",
		"trailing slash":                callback + "/",
		"path parameter":                callback + ";evil",
		"less path":                     "https://app.example.com",
		"http for https":                "http://app.example.com/cb",
		"no scheme":                     "//app.example.com/cb",
		"one slash":                     "https:/app.example.com/cb",
		"three slashes":                 "https:///app.example.com/cb",
		"backslashes":                   `https:\\app.example.com\cb`,
		"backslash and userinfo":        `https://evil.example.com\@app.example.com/cb`,
		"trailing dot of the host":      "https://app.example.com./cb",
		"a host in front":               "https://evil.example.com/https://app.example.com/cb",
		"a host behind":                 "https://app.example.com.evil.example.com/cb",
		"a subdomain":                   "https://x.app.example.com/cb",
		"the parent domain":             "https://example.com/cb",
		"the default port":              "https://app.example.com:443/cb",
		"another port":                  "https://app.example.com:8443/cb",
		"an empty port":                 "https://app.example.com:/cb",
		"a full-width dot":              "https://app．example.com/cb",
		"a letter that looks like one":  "https://аpp.example.com/cb",
		"a sharp s":                     "https://app.example.com/ß",
		"punycode":                      "https://xn--pp-7kc.example.com/cb",
		"a zero-width space":            "https://app.example.com/c\u200bb",
		"a tab":                         "https://app.example.com/\tcb",
		"a space in front":              " " + callback,
		"a space behind":                callback + " ",
		"a line break":                  callback + "\r\nLocation: https://evil.example.com",
		"two of them":                   callback + " https://evil.example.com/cb",
		"two with a comma":              callback + ",https://evil.example.com/cb",
		"a script":                      "javascript:location='https://app.example.com/cb'",
		"data":                          "data:text/html,https://app.example.com/cb",
		"a blob":                        "blob:https://app.example.com/cb",
		"the server's own page":         "/authorize",
		"an IP address in another form": "https://0x7f000001/cb",
	}
}

// redirectAttacks are attacks on where answers go: RFC 9700, sections 4.1 (redirect URI validation), 4.11 (open redirection, 4.11.2 by the
// authorization server) and 4.13 (reverse proxies); RFC 6819, sections 4.1.5 and 4.2.4 (open redirectors) and 4.4.1.7 (counterfeit client).
func redirectAttacks() cases {
	list := cases{
		"redirect URI confusion: a registered query is part of the URI": func(t *testing.T, a Adapter) {
			const registered = "https://app.example.com/cb?tenant=1"
			w := newWorld(t, a, func(s *setup) {
				pushing(s)
				s.Clients[0].Metadata.RedirectURIs = []string{registered}
			})
			for _, uri := range []string{
				callback, callback + "?tenant=2", callback + "?tenant=1&tenant=2", callback + "?tenant=1&next=https://evil.example.com", callback + "?x=1&tenant=1", callback + "?tenant=1#",
				callback + "?tenant=%31", callback + "?Tenant=1", callback + "?tenant=1&", callback + "?&tenant=1",
			} {
				w.authorize(with(web().request(), "redirect_uri", uri)).refused(t, 400, "invalid_request")
				w.push(web(), "redirect_uri", uri).refused(t, 400, "invalid_request")
			}
			to := w.authorize(with(web().request(), "redirect_uri", registered, "state", "a&code=evil&tenant=2")).Header.Get("Location")
			u, err := url.Parse(to)
			if err != nil || !strings.HasPrefix(to, registered+"&code=mdc_") || len(u.Query()["code"]) != 1 || len(u.Query()["tenant"]) != 1 {
				t.Errorf("Location = %q", to)
			}
		},
		"redirect URI confusion: port tricks on loopback lead to loopback or nowhere": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, pushing)
			for _, uri := range []string{
				"http://127.0.0.1:80@evil.example.com/cb", "http://127.0.0.1:80:81/cb", "http://127.0.0.1:-1/cb", "http://127.0.0.1:+1/cb", "http://127.0.0.1:1e2/cb", "http://127.0.0.1:99999999999999999999/cb",
				"http://127.0.0.1:１/cb", "http://127.0.0.1:%38/cb", "http://127.0.0.1:/cb", "http://127.0.0.1: 80/cb", "http://127.0.0.1:0080/cb", "http://127.0.0.1:80evil.example.com/cb", "http://127.0.0.1.:80/cb",
				"http://127.0.0.1:80#/cb", "http://127.0.0.1:80?/cb", `http://127.0.0.1:80\cb`, "http://[::ffff:127.0.0.1]:80/cb", "http://[::1%25lo]:80/six", "http://[::1]evil:80/six", "http://[0:0:0:0:0:0:0:1]:80/six",
				"http://0x7f.1:80/cb", "http://2130706433:80/cb", "http://017700000001/cb", "http://127.0.0.2:80/cb", "http://localhost:80/cb", "http://LOCALHOST:80/named", "http://localhost.:80/named", "http://localhost.evil.example.com:80/named",
				"http://0.0.0.0:80/cb", "http://127.0.0.1:80/cb/../evil", "http://127.0.0.1:80/cb%2f..", "com.example.app:/cb/", "com.example.app:/cb?x", "com.example.app:///cb", "Com.Example.App:/cb", "com.example.app.evil:/cb",
			} {
				w.authorize(with(native().request(), "redirect_uri", uri)).refused(t, 400, "invalid_request")
				w.push(native(), "redirect_uri", uri).refused(t, 400, "invalid_request")
				if to := w.form(t, "/authorize", with(native().request(), "redirect_uri", uri)).Header.Get("Location"); to != "" {
					t.Errorf("POST with %q leads to %s", uri, to)
				}
			}
		},
		"open redirect: an error before client and redirect URI are proven goes nowhere, in no mode": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { signing(s); pushing(s) })
			const evil = "https://evil.example.com/cb"
			for _, mode := range []string{"", "query", "fragment", "form_post", "jwt", "fragment.jwt", "form_post.jwt", "web_message"} {
				for _, changes := range [][]string{{"redirect_uri", evil}, {"client_id", "nobody", "redirect_uri", evil}, {"client_id", "", "redirect_uri", evil}, {"redirect_uri", evil, "prompt", "none"}, {"redirect_uri", evil, "response_type", "none"}} {
					q := with(web().request(), append(changes, "response_mode", mode)...)
					for _, ans := range []*answer{w.authorize(q), w.form(t, "/authorize", q), w.authorize(q, "Accept", "text/html"), w.form(t, "/authorize", q, "Accept", "text/html")} {
						if ans.Status != 400 || ans.Header.Get("Location") != "" || strings.Contains(ans.Body, "evil.example.com") || ans.Header.Get("Refresh") != "" {
							t.Errorf("%s %q: %d to %q, %.300s", mode, changes, ans.Status, ans.Header.Get("Location"), ans.Body)
						}
					}
				}
			}
		},
		"open redirect: denying a request of a stranger's client bounces nobody who has not signed in": func(t *testing.T, a Adapter) {
			for _, origin := range []store.Origin{store.ByRegistration, store.ByDocument} {
				b := newBrowser(newWorld(t, a, func(s *setup) {
					builtInPages(s)
					s.Clients[0].Origin = origin
				}))
				for _, mode := range []string{"", "fragment", "form_post"} {
					p := b.authorize(web(), "scope", "open", "response_mode", mode).form().post("action", "cancel")
					if p.Status == 303 || p.Header.Get("Location") != "" || strings.Contains(p.Body, "<script") || strings.Contains(p.Body, `http-equiv`) || !strings.Contains(p.Body, `rel="noreferrer"`) {
						t.Errorf("%q: %d to %q: %s", mode, p.Status, p.Header.Get("Location"), p.Body)
					}
				}
			}
		},
		"open redirect: the denial goes to the redirect URI of the request, whatever the form says": func(t *testing.T, a Adapter) {
			b := signedInWorld(t, a, nil)
			f := b.authorize(web()).form()
			for _, action := range []string{"deny", "cancel", "https://evil.example.com"} {
				p := f.post("action", action, "redirect_uri", "https://evil.example.com/cb", "return_to", "https://evil.example.com", "client_id", "spa", "state", "evil")
				toldAs(t, b.w, p.answer, "access_denied", true)
			}
		},
		"open redirect: a pushed or signed request cannot bring a redirect URI of its own": func(t *testing.T, a Adapter) {
			x := objecting(t, a, nil)
			const evil = "https://evil.example.com/cb"
			x.push(web(), "redirect_uri", evil).refused(t, 400, "invalid_request")
			uri := x.pushed(web())
			to, _ := x.authorize(url.Values{"client_id": {"web"}, "request_uri": {uri}, "redirect_uri": {evil}}).params(t)
			if to != callback {
				t.Errorf("the answer goes to %s", to)
			}
			for _, ans := range []*answer{
				x.authorize(url.Values{"client_id": {"web"}, "request_uri": {uri}, "redirect_uri": {evil}}), // used
				x.authorize(url.Values{"client_id": {"web"}, "request_uri": {"urn:ietf:params:oauth:request_uri:x"}, "redirect_uri": {evil}}),
				x.keyed.ask(x.keyed.object(map[string]any{"redirect_uri": evil})),
				x.authorize(url.Values{"client_id": {"keyed"}, "request": {"a.b.c"}, "redirect_uri": {evil}}),
				x.authorize(url.Values{"client_id": {"keyed"}, "request": {x.remote.object(nil)}, "redirect_uri": {evil}}),
			} {
				if ans.Status != 400 || ans.Header.Get("Location") != "" {
					t.Errorf("%d to %q: %s", ans.Status, ans.Header.Get("Location"), ans.Body)
				}
			}
			ans := x.keyed.ask(x.keyed.object(map[string]any{"scope": "unknown"}))
			if to, _ := ans.params(t); to != callback {
				t.Errorf("the error goes to %s", to)
			}
		},
		"open redirect: return_to leads to a page of this server that waits, and to no other place": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, ownPages)
			b := newBrowser(w)
			login := b.authorize(web())
			good := login.form().values.Get("return_to")
			for _, to := range []string{
				"https://evil.example.com/authorize?handle=x", "//evil.example.com/authorize?handle=x", "/\\evil.example.com/authorize?handle=x", "/authorize/../../evil?handle=x", "/authorize@evil.example.com?handle=x",
				"javascript:alert(1)//authorize?handle=x", w.url + "@evil.example.com/authorize?handle=x", "/authorize?handle=", "/authorize", "/authorize#?handle=x", "\t//evil.example.com?handle=x", "/login?handle=x", "/authorize?x=1",
				"https:evil.example.com/authorize?handle=x", "/%2fevil.example.com?handle=x", good + "#https://evil.example.com", "//" + strings.TrimPrefix(good, "/"), "/./authorize?handle=x", "",
			} {
				p := b.send(http.MethodPost, "/login", url.Values{"return_to": {to}, "user": {"alice"}})
				if got := p.Header.Get("Location"); got != "/home" {
					t.Errorf("return_to %q leads to %q", to, got)
				}
			}
			got := b.send(http.MethodPost, "/login", url.Values{"return_to": {good + "&next=https://evil.example.com&redirect_uri=https://evil.example.com"}, "user": {"alice"}}).Header.Get("Location")
			if strings.Contains(got, "evil") || got != "/home" && !strings.HasPrefix(got, "/authorize?handle=") {
				t.Errorf("what stands beside the handle is kept: %q", got)
			}
		},
		"open redirect: no link of an error page leads where a stranger says": func(t *testing.T, a Adapter) {
			b := signedInWorld(t, a, func(s *setup) { s.AccountPage, s.Device = true, new(server.Device) })
			f := b.authorize(web()).form()
			for what, p := range map[string]*page{
				"a form without its token": f.b.send(http.MethodPost, f.action, with(f.values, "csrf", "x", "redirect_uri", "https://evil.example.com", "return_to", "//evil.example.com")),
				"a foreign site's form":    f.b.send(http.MethodPost, f.action, with(f.values, "return_to", "//evil.example.com"), "Sec-Fetch-Site", "cross-site", "Referer", "https://evil.example.com/", "Origin", "https://evil.example.com"),
				"a wrong handle":           b.open("/authorize?handle=//evil.example.com"),
				"a device code twice":      b.open("/device?user_code=x&user_code=//evil.example.com"),
				"another Host":             b.send(http.MethodGet, "/authorize?client_id=nobody", nil, "X-Forwarded-Host", "evil.example.com", "Forwarded", "host=evil.example.com", "X-Original-URL", "//evil.example.com"),
			} {
				if p.Status < 400 || p.Header.Get("Location") != "" {
					t.Errorf("%s: %d to %q", what, p.Status, p.Header.Get("Location"))
				}
				for _, m := range regexp.MustCompile(`(?:href|action|src)="([^"]*)"`).FindAllStringSubmatch(p.Body, -1) {
					if to := html.UnescapeString(m[1]); !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(strings.SplitN(to, "handle=", 2)[0], "evil") {
						t.Errorf("%s: the page leads to %q", what, to)
					}
				}
			}
		},
		"host header: no URL is made of the request's Host": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { devices(nil)(s); pushing(s) })
			for _, path := range []string{"/.well-known/oauth-authorization-server", "/authorize?" + web().request().Encode(), "/device"} {
				ans := w.raw(t, "GET "+path+" HTTP/1.1\r\nHost: evil.example.com\r\nX-Forwarded-Host: evil.example.com\r\nX-Forwarded-Proto: https\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
				if strings.Contains(ans.Body, "evil") || strings.Contains(ans.Raw, "evil") {
					t.Errorf("%s: %s %s", path, ans.Raw, ans.Body)
				}
			}
		},
	}
	list["redirect URI confusion: nothing that looks like the registered URI is it"] = func(t *testing.T, a Adapter) {
		x := objecting(t, a, nil)
		for what, uri := range confused() {
			t.Run(what, func(t *testing.T) {
				nowhere := func(how string, ans *answer) {
					t.Helper()
					if ans.Status != 400 || ans.Header.Get("Location") != "" {
						t.Errorf("%s: %d to %q", how, ans.Status, ans.Header.Get("Location"))
					}
				}
				for _, p := range []party{web(), native(), {"spa", "", "none", callback}} {
					q := with(p.request(), "redirect_uri", uri)
					nowhere("GET", x.authorize(q))
					nowhere("POST", x.form(t, "/authorize", q))
					nowhere("page", x.authorize(q, "Accept", "text/html"))
					nowhere("PAR", x.push(p, "redirect_uri", uri))
				}
				nowhere("signed", x.keyed.ask(x.keyed.object(map[string]any{"redirect_uri": uri})))
			})
		}
	}
	return list
}
