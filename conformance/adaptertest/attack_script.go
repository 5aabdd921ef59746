package adaptertest

import (
	"context"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// scripted is text that leaves every place in HTML that it could stand in.
const scripted = `"'></bdi></title></style></textarea><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}` + "`${alert(1)}`"

// inert checks that nothing of p is a script, an element or a link of a stranger's making, and that nothing comes from elsewhere.
func (p *page) inert(where string) *page {
	p.b.t.Helper()
	body := p.Body
	if strings.Contains(body, `id="post-form"`) {
		body = regexp.MustCompile(`(?s)<script>.*?</script>`).ReplaceAllString(body, "") // the one whose hash is in the policy
	}
	for _, mark := range []string{"<script", "<img src=x", "onerror=alert(1)>", "</textarea>", `"'>`, "<iframe", "<object", "<base", "<meta http-equiv", "<svg", "<link"} {
		if strings.Contains(body, mark) {
			p.b.t.Errorf("%s has %q: %s", where, mark, body)
		}
	}
	for _, tag := range regexp.MustCompile(`<[a-z][^>]*>`).FindAllString(body, -1) {
		if m := regexp.MustCompile(`\son[a-z]+=`).FindString(regexp.MustCompile(`"[^"]*"`).ReplaceAllString(tag, "")); m != "" {
			p.b.t.Errorf("%s has the handler %q in %s", where, m, tag)
		}
		for _, m := range regexp.MustCompile(`\b(href|src|action|formaction)="([^"]*)"`).FindAllStringSubmatch(tag, -1) {
			to := html.UnescapeString(m[2])
			local := strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//")
			switch {
			case m[1] == "src" && !local:
				p.b.t.Errorf("%s loads %q", where, to)
			case !local && !strings.HasPrefix(to, "https://"):
				p.b.t.Errorf("%s leads to %q", where, to)
			case !local && m[1] == "href" && !strings.Contains(tag, "noreferrer"):
				p.b.t.Errorf("%s tells %q where it comes from: %s", where, to, tag)
			}
		}
	}
	if kind := p.Header.Get("Content-Type"); kind != "text/html; charset=utf-8" || p.Header.Get("X-Content-Type-Options") != "nosniff" {
		p.b.t.Errorf("%s: Content-Type = %q", where, kind)
	}
	policy := p.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "script-src") && !strings.Contains(policy, "script-src 'sha256-") {
		p.b.t.Errorf("%s: Content-Security-Policy = %q", where, policy)
	}
	return p
}

// scriptAttacks are attacks by what pages and answers repeat, and on what they let others see: RFC 9700, sections 4.2 (Referer) and 4.3 (browser history);
// RFC 6819, sections 4.6.6 (caches) and 4.6.7 (logs and referrers); RFC 7591, section 5.
func scriptAttacks() cases {
	list := cases{
		"XSS: what a client registers about itself is text on every page": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				devices(nil)(s)
				s.AccountPage, s.Logos, s.Registration = true, true, &server.Registration{Open: true}
			})
			for name, value := range map[string]any{
				"client_uri": "javascript:alert(1)", "logo_uri": "data:image/svg+xml,<svg onload=alert(1)>", "policy_uri": "JavaScript:alert(1)", "tos_uri": " javascript:alert(1)", "redirect_uris": []string{"javascript:alert(1)//"},
				"jwks_uri": "file:///etc/passwd", "client_uri#en": "vbscript:x", "tos_uri#de": "javascript:alert(1)", "policy_uri#fr": "data:text/html,x", "initiate_login_uri": "javascript:alert(1)",
			} {
				if ans := w.register(t, registrant().with(name, value)); ans.Status != 400 {
					t.Errorf("%s %v: %d %s", name, value, ans.Status, ans.Body)
				}
			}
			ans := w.register(t, registrant().with("client_name", scripted).with("client_name#en", scripted).with("contacts", []string{scripted}).with("client_uri", "https://evil.example.com/?'onmouseover=alert(1)").
				with("logo_uri", "https://evil.example.com/x.svg").with("policy_uri", "https://evil.example.com/&quot;").with("grant_types", []string{"authorization_code", "refresh_token", oauth2.GrantDeviceCode}).with("token_endpoint_auth_method", "none"))
			ans.fields(t, "Content-Type", "application/json")
			p, _, _ := ans.registered(t, 201)
			b := newBrowser(w)
			login := b.authorize(p, "scope", "open").inert("sign-in")
			consent := login.signIn("alice").inert("consent")
			if !strings.Contains(consent.Body, "alert(1)") {
				t.Errorf("the name is not on the page: %s", consent.Body)
			}
			consent.form().submit("action", "allow").code()
			b.open(applicationsPath).inert("applications")
			w.clock.Pass(time.Second)
			b.authorize(p, "scope", "open", "prompt", "select_account").inert("accounts")
			newBrowser(w).authorize(p, "scope", "unknown").inert("error")
			confirm := b.enter(w.codes(p, "scope", "open").User).inert("device")
			last := confirm.form().submit("action", "confirm").inert("consent of a device")
			last.form().submit("action", "allow").inert("done")
		},
		"XSS: what a client's document says is text on every page": func(t *testing.T, a Adapter) {
			w, site := described(t, a, func(_ *server.ClientDocuments, s *setup) { builtInPages(s); s.AccountPage = true })
			site.serves(site.document().with("client_name", scripted).with("client_uri", "https://evil.example.com/'onmouseover=alert(1)"))
			b := newBrowser(w)
			consent := b.authorize(site.client(), "scope", "open").inert("sign-in").signIn("alice").inert("consent")
			if !strings.Contains(consent.Body, "alert(1)") {
				t.Errorf("page = %s", consent.Body)
			}
			consent.form().submit("action", "allow").code()
			b.open(applicationsPath).inert("applications")
			bad, other := described(t, a, func(_ *server.ClientDocuments, s *setup) { builtInPages(s) })
			other.serves(other.document().with("client_name", scripted).with("redirect_uris", []string{scripted}))
			newBrowser(bad).authorize(other.client(), "scope", "open").is(400).inert("error of a document")
		},
		"XSS: what a request says is text on every page": func(t *testing.T, a Adapter) {
			b := newBrowser(newWorld(t, a, func(s *setup) {
				builtInPages(s)
				paying(s)
				s.RichTypes[0].Describe = func(d json.RawMessage) (title, text string) {
					var p payment
					_ = json.Unmarshal(d, &p)
					return p.To, string(d)
				}
				s.Clients[0].Policy.Resources = "https://three.example.com/'onerror=alert(1)"
			}))
			details := jsonOf(t, []any{map[string]any{"type": "payment", "to": scripted, "amount": 1}})
			asked := []string{
				"login_hint", scripted, "ui_locales", scripted, "display", scripted, "nonce", `"'><script>`, "state", `"'><script>alert(1)</script>`, "resource", "https://three.example.com/'onerror=alert(1)", "authorization_details", details,
				"acr_values", "x", scripted, scripted,
			}
			changes := asked[:len(asked)-4] // acr_values would ask for a sign-in that is never strong enough
			login := b.authorize(web(), changes...).inert("sign-in")
			consent := login.form().submit("username", "alice", "password", "password of alice", "action", "login").inert("consent")
			if !strings.Contains(consent.Body, "alert(1)") || !strings.Contains(consent.Body, "three.example.com") {
				t.Errorf("page = %s", consent.Body)
			}
			posted := b.authorize(web(), append(changes, "response_mode", "form_post")...).form().submit("action", "allow").inert("form_post")
			if _, q := posted.posted(t); q.Get("state") != `"'><script>alert(1)</script>` {
				t.Errorf("state = %q", q.Get("state"))
			}
			for _, name := range []string{"client_id", "redirect_uri", "response_type", "response_mode", "scope", "prompt", "code_challenge", "code_challenge_method", "max_age", "request", "request_uri", "handle", "claims", "authorization_details"} {
				p := newBrowser(b.w).authorize(web(), name, scripted)
				if p.Status < 300 || p.Status >= 400 {
					p.inert("error of " + name)
				} else if strings.Contains(p.Header.Get("Location"), "<") {
					t.Errorf("%s: Location = %q", name, p.Header.Get("Location"))
				}
				if ans := b.w.authorize(with(web().request(), name, scripted), "Accept", "application/json"); ans.Status >= 400 && ans.Header.Get("Content-Type") != "application/json" {
					t.Errorf("%s: Content-Type = %q", name, ans.Header.Get("Content-Type"))
				}
			}
		},
		"XSS: what people type is text on every page": func(t *testing.T, a Adapter) {
			b := newBrowser(newWorld(t, a, devices(nil)))
			f := b.authorize(web()).form()
			f.submit("username", scripted, "password", scripted, "action", "login").inert("wrong password")
			for _, v := range []string{scripted, "BCDF-" + scripted, strings.Repeat("<", 60)} {
				b.enter(v).inert("user code")
				b.open("/device?user_code=" + url.QueryEscape(v)).inert("user code in a link")
			}
			f.submit("username", "alice", "password", "password of alice", "action", scripted).inert("consent")
		},
		"XSS: what an extension says of an error is text, in a page, a redirect and JSON": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				builtInPages(s)
				s.Clients[0].Origin = store.ByRegistration
				s.Extensions = []server.Extension{{Name: "evil", Begin: func(context.Context, *server.Ask, mandate.Params) error {
					return mandate.Errorf(mandate.InvalidRequest, nil, "%s", scripted+"\r\nX-Evil: 1")
				}}}
			})
			p := newBrowser(w).authorize(web(), "scope", "open").is(400).inert("page")
			if !strings.Contains(p.Body, "alert(1)") {
				t.Errorf("page = %s", p.Body)
			}
			for _, fields := range [][]string{{"Accept", "application/json"}, {"Accept", "text/html"}, nil} {
				for _, q := range []url.Values{with(web().request(), "scope", "open"), with(post().request(), "response_mode", "form_post"), post().request()} {
					ans := w.authorize(q, fields...)
					if to := ans.Header.Get("Location"); ans.Header.Get("X-Evil") != "" || strings.ContainsAny(to, "<>\"\r\n ") || strings.Contains(ans.Body, "<img src=x") && ans.Header.Get("Content-Type") != "application/json" {
						t.Errorf("%d to %q: %s", ans.Status, to, ans.Body)
					}
				}
			}
		},
		"token leakage: what carries a secret is never kept, and tells nobody where it was": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				devices(nil)(s)
				pushing(s)
				s.AccountPage, s.Registration = true, &server.Registration{Open: true, Management: true}
			})
			b := newBrowser(w)
			login := b.authorize(web())
			consent := login.signIn("alice")
			to := consent.form().post("action", "allow")
			_, q := to.params(t)
			got := w.token(web(), web().exchange(q.Get("code")))
			c := w.manage(t, registrant())
			for what, ans := range map[string]*answer{
				"sign-in": login.answer, "consent": consent.answer, "redirect with a code": to.answer, "tokens": got, "refused tokens": w.token(web(), web().exchange("x")), "introspection": w.introspect(web(), got.tokens(t).Access),
				"pushed request": w.push(web()), "device codes": w.device(tv(), url.Values{"scope": {"read"}}), "registration": c.get(t), "applications": b.open(applicationsPath).answer, "device": b.open("/device").answer,
				"error": w.authorize(nil), "error page": w.authorize(nil, "Accept", "text/html"), "form_post": b.authorize(web(), "response_mode", "form_post").answer,
			} {
				ans.fields(t, "Cache-Control", "no-store")
				if policy := ans.Header.Get("Referrer-Policy"); policy != "" && policy != "no-referrer" && policy != "same-origin" || policy == "" && !strings.HasPrefix(ans.Header.Get("Content-Type"), "application/json") {
					t.Errorf("%s: Referrer-Policy = %q", what, policy)
				}
				if ans.Header.Get("ETag") != "" || ans.Header.Get("Last-Modified") != "" {
					t.Errorf("%s can be kept: %v", what, ans.Header)
				}
			}
		},
		"token leakage: no URL carries an access token, and no API reads one there": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			got := w.login(web())
			w.get(t, "/api?access_token="+url.QueryEscape(got.Access)).status(t, 401)
			w.form(t, "/introspect?token="+url.QueryEscape(got.Access), url.Values{}, "Authorization", basic(web().id, web().secret)).refused(t, 400, "invalid_request")
			w.form(t, "/token?"+refreshing(got.Refresh).Encode(), url.Values{}, "Authorization", basic(web().id, web().secret)).refused(t, 400, "invalid_request")
			w.do(t, http.MethodGet, "/token?"+refreshing(got.Refresh).Encode(), "", "Authorization", basic(web().id, web().secret)).status(t, 405)
			w.refresh(web(), got.Refresh)
		},
	}
	return list
}
