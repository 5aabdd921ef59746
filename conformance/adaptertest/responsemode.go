package adaptertest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// posted returns what the page a posts to the client, and where. The page must be the one of the response mode form_post.
func (a *answer) posted(t *testing.T) (to string, q url.Values) {
	t.Helper()
	a.status(t, 200)
	a.fields(t, "Content-Type", "text/html; charset=utf-8", "Cache-Control", "no-store", "Referrer-Policy", "no-referrer", "X-Frame-Options", "DENY", "Location", "", "Access-Control-Allow-Origin", "")
	scripts := regexp.MustCompile(`(?s)<script[^>]*>(.*?)</script>`).FindAllStringSubmatch(a.Body, -1)
	if len(scripts) != 1 {
		t.Fatalf("the page has %d scripts, want 1: %.500q", len(scripts), a.Body)
	}
	sum := sha256.Sum256([]byte(scripts[0][1]))
	if policy := a.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || strings.Contains(policy, "form-action") {
		t.Errorf("Content-Security-Policy = %q", policy)
	}
	form := regexp.MustCompile(`<form id="post-form" method="post" action="([^"]*)">`).FindStringSubmatch(a.Body)
	if form == nil || !strings.Contains(a.Body, `type="submit"`) {
		t.Fatalf("no form with a button: %.500q", a.Body)
	}
	q = url.Values{}
	for _, input := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(a.Body, -1) {
		q.Add(html.UnescapeString(input[1]), html.UnescapeString(input[2]))
	}
	return html.UnescapeString(form[1]), q
}

// responseModes are the cases of OAuth 2.0 Form Post Response Mode, and of where an answer goes.
func responseModes() cases {
	asked := func(p party, changes ...string) url.Values {
		return with(with(p.request(), "response_mode", "form_post"), changes...)
	}
	list := cases{
		"form_post posts the code, the state and the issuer": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			to, q := w.authorize(asked(web())).posted(t)
			if to != callback || q.Get("state") != "xyz" || q.Get("iss") != w.issuer || len(q) != 3 {
				t.Fatalf("form to %s with %v", to, q)
			}
			w.token(web(), web().exchange(q.Get("code"))).tokens(t)
		},
		"form_post posts errors too": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			for code, changes := range map[string][]string{"invalid_scope": {"scope", "unknown"}, "invalid_request": {"prompt", "none login"}, "invalid_target": {"resource", "https://x.example"}} {
				to, q := w.authorize(asked(web(), changes...)).posted(t)
				q.Del("error_description")
				if want := (url.Values{"error": {code}, "state": {"xyz"}, "iss": {w.issuer}}); to != callback || q.Encode() != want.Encode() {
					t.Errorf("form to %s with %v, want %v", to, q, want)
				}
			}
		},
		"form_post of a decision, and of a denial": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, builtInPages)
			b := newBrowser(w)
			consent := b.authorize(web(), "response_mode", "form_post").form().submit("username", "alice", "password", "password of alice", "action", "login")
			if _, q := consent.form().submit("action", "allow").posted(t); !strings.HasPrefix(q.Get("code"), "mdc_") {
				t.Errorf("fields = %v, want a code", q)
			}
			consent = b.authorize(web(), "response_mode", "form_post", "prompt", "consent")
			if _, q := consent.form().submit("action", "deny").posted(t); q.Get("error") != "access_denied" {
				t.Errorf("fields = %v, want access_denied", q)
			}
		},
		"form_post escapes every value": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Clients[0].Metadata.RedirectURIs = []string{callback + "?a=%22%3E%3Cscript%3E&b=2&amp=1"}
			})
			state := `"><script>alert('1')</script>&quot;&#34;+%2B{{.CSRF}}`
			to, q := w.authorize(asked(web(), "redirect_uri", callback+"?a=%22%3E%3Cscript%3E&b=2&amp=1", "state", state)).posted(t)
			if to != callback+"?a=%22%3E%3Cscript%3E&b=2&amp=1" || q.Get("state") != state {
				t.Errorf("form to %s with %q", to, q.Get("state"))
			}
		},
		"form_post without the issuer": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.OmitIss = true })
			if _, q := w.authorize(asked(web())).posted(t); q.Has("iss") {
				t.Errorf("fields = %v", q)
			}
		},
		"form_post to loopback works, to a private-use scheme it cannot": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			if to, _ := w.authorize(asked(native(), "redirect_uri", "http://127.0.0.1:4000/cb")).posted(t); to != "http://127.0.0.1:4000/cb" {
				t.Errorf("form to %s", to)
			}
			ans := w.authorize(asked(native(), "redirect_uri", "com.example.app:/cb"))
			if _, q := ans.params(t); q.Get("error") != "invalid_request" || !strings.HasPrefix(ans.Header.Get("Location"), "com.example.app:/cb?") {
				t.Errorf("Location = %q", ans.Header.Get("Location"))
			}
		},
		"form_post after a POST to the endpoint": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			back := w.form(t, "/authorize", asked(web())).status(t, 303)
			if _, q := w.get(t, back.Header.Get("Location")).posted(t); q.Get("code") == "" {
				t.Errorf("fields = %v", q)
			}
		},
		"an error to a stranger's client is a page with a link, which posts nothing": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.Clients[0].Origin = store.ByRegistration })
			ans := w.authorize(asked(web(), "scope", "unknown"), "Accept", "text/html").status(t, 400)
			if !strings.Contains(ans.Body, `href="`+callback+"?error=invalid_scope&amp;") || strings.Contains(ans.Body, "<script") {
				t.Errorf("page = %.600q", ans.Body)
			}
		},
		"a mode that is off is refused in the default mode, and is not advertised": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.ResponseModes = []string{"query"} })
			for _, mode := range []string{"form_post", "fragment", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt", "QUERY", "web_message"} {
				ans := w.authorize(asked(web(), "response_mode", mode))
				if toldAs(t, w, ans, "invalid_request", true); !strings.HasPrefix(ans.Header.Get("Location"), callback+"?") {
					t.Errorf("%s: Location = %q", mode, ans.Header.Get("Location"))
				}
			}
			if m := w.get(t, "/.well-known/oauth-authorization-server").json(t); fmt.Sprint(m["response_modes_supported"]) != "[query]" {
				t.Errorf("response_modes_supported = %v", m["response_modes_supported"])
			}
		},
		"the usual modes are advertised": func(t *testing.T, a Adapter) {
			m := newWorld(t, a, nil).get(t, "/.well-known/oauth-authorization-server").json(t)
			if fmt.Sprint(m["response_modes_supported"]) != "[query fragment form_post]" {
				t.Errorf("response_modes_supported = %v", m["response_modes_supported"])
			}
		},
		"a mode that is there twice is refused in the default mode": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			ans := w.get(t, "/authorize?"+asked(web()).Encode()+"&response_mode=form_post")
			if toldAs(t, w, ans, "invalid_request", true); !strings.HasPrefix(ans.Header.Get("Location"), callback+"?") {
				t.Errorf("Location = %q", ans.Header.Get("Location"))
			}
		},
		"whatever else is wrong is told in the mode that was asked for": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			ans := w.get(t, "/authorize?"+with(web().request(), "response_mode", "fragment").Encode()+"&scope=read")
			if toldAs(t, w, ans, "invalid_request", true); !strings.HasPrefix(ans.Header.Get("Location"), callback+"#") {
				t.Errorf("Location = %q", ans.Header.Get("Location"))
			}
			if _, q := w.authorize(asked(web(), "response_type", "unknown")).posted(t); q.Get("error") != "unsupported_response_type" {
				t.Errorf("fields = %v", q)
			}
		},
		"form_post carries what no query may": func(t *testing.T, a Adapter) {
			p := party{"toy", "toy-secret-0123456789", "client_secret_basic", callback}
			w := newWorld(t, a, func(s *setup) {
				c := p.client("authorization_code")
				c.Metadata.ResponseTypes = []string{"code toy"}
				s.Clients, s.Extensions = append(s.Clients, c), []server.Extension{toy()}
			})
			if _, q := w.authorize(asked(p, "response_type", "code toy")).posted(t); q.Get("toy_token") != "toy of alice" || q.Get("code") == "" {
				t.Errorf("fields = %v", q)
			}
		},
		"a configuration that cannot be is refused": func(t *testing.T, a Adapter) {
			for _, modes := range [][]string{{}, {"fragment"}, {"query", "query"}, {"query", "pigeon"}} {
				c := server.Config{Issuer: "http://127.0.0.1", Store: a.NewStore(t), ResponseModes: modes}
				if _, err := server.New(c); err == nil || !strings.Contains(err.Error(), "ResponseModes") {
					t.Errorf("New with ResponseModes %q = %v", modes, err)
				}
			}
			if _, err := server.New(server.Config{Issuer: "http://127.0.0.1", Store: a.NewStore(t), ResponseModes: slices.Clone([]string{"query"}), Extensions: []server.Extension{toy()}}); err == nil || !strings.Contains(err.Error(), "fragment") {
				t.Errorf("New with a token in the front channel and ResponseModes query = %v", err)
			}
		},
	}
	return list
}
