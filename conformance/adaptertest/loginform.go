package adaptertest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
)

// formOf returns the form of a page.
func (b *tabs) formOf(a *answer) form {
	b.t.Helper()
	return (&page{answer: a, b: &browser{t: b.t, w: b.l.world}}).form()
}

// formPost asks for an answer by form_post; the provider's world answers with a page that posts it.
func formPost(s *loginSetup) { s.home.FormPost = true }

func loginForms() cases {
	return cases{
		"form_post: on http the callback's page posts again, once, and the login ends": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, formPost))
			at := b.begin("home", "")
			if at.Query().Get("response_mode") != "form_post" {
				t.Errorf("the request is %s", at)
			}
			answer := b.formOf(b.send(http.MethodGet, at.String(), nil))
			if answer.action != b.l.shop.url+"/auth/home/callback" {
				t.Errorf("the provider posts to %q", answer.action)
			}
			// The form of another site brings no cookie of SameSite=Lax along.
			cross := newTabs(b.l).send(http.MethodPost, answer.action, answer.values, "Sec-Fetch-Site", "cross-site", "Origin", b.l.issuer)
			cross.status(t, 200)
			cross.fields(t, "Content-Type", "text/html; charset=utf-8", "Cache-Control", "no-store", "Referrer-Policy", "same-origin", "Set-Cookie", "")
			if policy := cross.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'sha256-") || strings.Contains(policy, "form-action") || strings.Contains(policy, "unsafe") {
				t.Errorf("Content-Security-Policy = %q", policy)
			}
			again := b.formOf(cross).values
			if again.Get("state") != answer.values.Get("state") || again.Get("code") != answer.values.Get("code") {
				t.Errorf("the page posts %v again, want %v", again, answer.values)
			}
			b.send(http.MethodPost, answer.action, again, "Sec-Fetch-Site", "same-origin", "Origin", b.l.shop.url).signed(t, "home")
			b.send(http.MethodPost, answer.action, again).unsigned(t, 400, client.StateMissing) // and no page any more
		},
		"form_post: the page keeps hostile text in its place": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, formPost))
			state := b.begin("home", "").Query().Get("state")
			page := newTabs(b.l).send(http.MethodPost, "/auth/home/callback", url.Values{"state": {state}, `"><script>x`: {`"><script>y`}}).status(t, 200)
			if strings.Contains(page.Body, "<script>x") || strings.Contains(page.Body, "<script>y") {
				t.Errorf("the page is %q", page.Body)
			}
		},
		"form_post: on https the cookie comes along from another site": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, func(s *loginSetup) {
				s.BaseURL, s.Secret = "https://shop.example.com", mandate.NewRandomSecret()
				formPost(s)
			}))
			begun := b.send(http.MethodGet, "/auth/home/login", nil)
			line := begun.Header.Get("Set-Cookie")
			if !strings.HasPrefix(line, "__Host-mandate-login-") || !strings.HasSuffix(line, "; Path=/; Max-Age=600; HttpOnly; SameSite=None; Secure") {
				t.Errorf("Set-Cookie is %q", line)
			}
			at := location(t, begun)
			answer := b.formOf(b.send(http.MethodGet, at.String(), nil))
			newTabs(b.l).send(http.MethodPost, "/auth/home/callback", answer.values).unsigned(t, 400, client.StateMissing) // no page over https
			b.send(http.MethodPost, "/auth/home/callback", answer.values, "Sec-Fetch-Site", "cross-site", "Origin", b.l.issuer).signed(t, "home")
		},
		"form_post: an attacker's form in a victim's browser signs nobody in": func(t *testing.T, a Adapter) {
			l := newLoginWorld(t, a, formPost)
			attacker, victim := newTabs(l), newTabs(l)
			at := attacker.begin("home", "")
			answer := attacker.formOf(attacker.send(http.MethodGet, at.String(), nil))
			page := victim.send(http.MethodPost, "/auth/home/callback", answer.values)
			again := victim.formOf(page).values
			victim.send(http.MethodPost, "/auth/home/callback", again).unsigned(t, 400, client.StateMissing)
		},
		"form_post: a field called submit is posted again like any other": func(t *testing.T, a Adapter) {
			l := newLoginWorld(t, a, formPost)
			b := newTabs(l)
			answer := b.formOf(b.send(http.MethodGet, b.begin("home", "").String(), nil))
			answer.values.Set("submit", "Continue")
			page := newTabs(l).send(http.MethodPost, "/auth/home/callback", answer.values).status(t, 200)
			// The form's own submit is that field then, and no function.
			if !strings.Contains(page.Body, "<script>HTMLFormElement.prototype.submit.call(document.forms[0])</script>") || !strings.Contains(page.Body, `name="submit" value="Continue"`) {
				t.Errorf("the page is %s", page.Body)
			}
		},
		"form_post: other sites plant no cookies by a login inside of their pages": func(t *testing.T, a Adapter) {
			l := newLoginWorld(t, a, formPost)
			for _, dest := range []string{"image", "iframe", "empty"} {
				b := newTabs(l)
				b.send(http.MethodGet, "/auth/home/login", nil, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", dest).unsigned(t, 400, client.Malformed)
				if len(b.cookies) > 0 {
					t.Errorf("%s: cookies are %v", dest, b.cookies)
				}
			}
			newTabs(l).send(http.MethodGet, "/auth/home/login", nil, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "document").status(t, http.StatusSeeOther)
		},
		"form_post: the query of a POST is not read": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			back := b.callback("home")
			b.send(http.MethodPost, back.String(), url.Values{"x": {"y"}}).unsigned(t, 400, client.StateMissing)
			b.send(http.MethodPost, "/auth/home/callback", back.Query()).signed(t, "home") // its own browser's form is as good as a redirect
		},
		"form_post: a body that is no form is Malformed": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, formPost))
			b.l.shop.do(t, http.MethodPost, "/auth/home/callback", `{"state":"x"}`, "Content-Type", "application/json").unsigned(t, 400, client.Malformed)
		},
	}
}
