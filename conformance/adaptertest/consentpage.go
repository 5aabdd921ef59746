package adaptertest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/pages"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// pictures is a mandate.Fetcher that answers with what was put under a URL.
type pictures struct {
	mu    sync.Mutex // guards what follows
	at    map[string]string
	asked []*mandate.FetchRequest
}

// Fetch implements mandate.Fetcher.
func (p *pictures) Fetch(_ context.Context, r *mandate.FetchRequest) (*mandate.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r)
	switch body, ok := p.at[r.URL]; {
	case body == "panic":
		panic("in the fetcher") //nolint:forbidigo // the application's, which the server must survive
	case !ok:
		return nil, errors.New("no route to host")
	case strings.HasPrefix(body, "404"):
		return &mandate.Response{Status: 404, Body: []byte(body[3:])}, nil
	default:
		return &mandate.Response{Status: 200, Header: mandate.Fields{{Name: "Content-Type", Value: "text/html"}}, Body: []byte(body)}, nil
	}
}

// consentPages are the cases of what the built-in consent page shows and offers.
func consentPages() cases {
	optional := func(s *setup) {
		s.Scopes[1].Optional = true
		s.Scopes = append(s.Scopes, server.Scope{Name: "more", Optional: true})
	}
	list := cases{
		"an optional scope can be unticked, and the others cannot": func(t *testing.T, a Adapter) {
			for _, tc := range []struct {
				sent []string
				want string
			}{
				{[]string{"scope", "write", "scope", "more"}, "read write more"},
				{[]string{"scope", "write"}, "read write"},
				{nil, "read"},
				{[]string{"scope", "admin", "scope", "unheard-of", "scope", "x\x01y"}, "read"},
			} {
				b := signedInWorld(t, a, optional)
				p := b.authorize(web(), "scope", "read write more")
				if strings.Count(p.Body, `type="checkbox"`) != 2 || strings.Contains(p.Body, `name="scope" value="read"`) || !strings.Contains(p.Body, `name="scope" value="write" checked`) {
					t.Fatalf("page = %s", p.Body)
				}
				code := p.form().submit(append(tc.sent, "action", "allow")...).code()
				if got := b.w.token(web(), web().exchange(code)).tokens(t); got.Scope != tc.want {
					t.Errorf("%q: scope = %q, want %q", tc.sent, got.Scope, tc.want)
				}
				if c, err := b.w.store.Consent(t.Context(), "alice", "web"); err != nil || string(c.Scopes) != tc.want {
					t.Errorf("%q: consent = %q, %v, want %q", tc.sent, c.Scopes, err, tc.want)
				}
			}
		},
		"none of what is optional, where all of it is, is a denial": func(t *testing.T, a Adapter) {
			b := signedInWorld(t, a, optional)
			toldAs(t, b.w, b.authorize(web(), "scope", "write more").form().submit("action", "allow").answer, "access_denied", true)
		},
		"a page of one's own that knows no boxes allows all that it shows": func(t *testing.T, a Adapter) {
			b := signedInWorld(t, a, optional)
			f := b.authorize(web(), "scope", "read write").form()
			f.values.Del("optional")
			if got := b.w.token(web(), web().exchange(f.submit("action", "allow").code())).tokens(t); got.Scope != "read write" {
				t.Errorf("scope = %q", got.Scope)
			}
		},
		"what was unticked is asked for again": func(t *testing.T, a Adapter) {
			b := signedInWorld(t, a, optional)
			b.authorize(web(), "scope", "read write").form().submit("action", "allow").code()
			b.authorize(web(), "scope", "read").code()
			if !strings.Contains(b.authorize(web(), "scope", "read write").Body, `id="consent-form"`) {
				t.Error("what was refused is given")
			}
			toldAs(t, b.w, b.authorize(web(), "scope", "read write", "prompt", "none").answer, "consent_required", true)
		},
		"the page names resources, where the answer goes, lasting access, and the page that takes it back": func(t *testing.T, a Adapter) {
			b := signedInWorld(t, a, func(s *setup) {
				s.AccountPage = true
				s.Clients[0].Metadata.PolicyURI, s.Clients[0].Metadata.TermsURI = "https://app.example.com/privacy", "https://app.example.com/terms"
				s.Clients[1].Metadata.GrantTypes = []string{"authorization_code"}
			})
			p := b.authorize(web(), "resource", "https://two.example.com/v1")
			for _, text := range []string{
				`<bdi dir="ltr">https://two.example.com/v1</bdi>`, `<bdi id="redirect-host" dir="ltr">app.example.com</bdi>`, `id="consent-offline"`, `href="` + applicationsPath + `"`,
				`id="client-policy" href="https://app.example.com/privacy" target="_blank" rel="noopener noreferrer"`, `id="client-tos" href="https://app.example.com/terms"`,
			} {
				if !strings.Contains(p.Body, text) {
					t.Errorf("the page does not have %s: %s", text, p.Body)
				}
			}
			if p := b.authorize(post()); strings.Contains(p.Body, `id="consent-offline"`) || strings.Contains(p.Body, `id="resources"`) {
				t.Errorf("the page of a client without refresh tokens: %s", p.Body)
			}
		},
		"a client that is known by its URL shows whose that is": func(t *testing.T, a Adapter) {
			b := signedInWorld(t, a, func(s *setup) {
				c := web().client("authorization_code")
				c.ID, c.Metadata.Name = "https://id.example.org/client", "Your Bank"
				s.Clients = append(s.Clients, c)
			})
			p := b.authorize(web(), "client_id", "https://id.example.org/client")
			if !strings.Contains(p.Body, `<bdi id="client-host" dir="ltr">id.example.org</bdi>`) {
				t.Errorf("page = %s", p.Body)
			}
		},
		"a logo comes from here, once fetched, and is a picture": func(t *testing.T, a Adapter) {
			const png = "\x89PNG\r\n\x1a\n and so on"
			site := &pictures{at: map[string]string{
				"https://app.example.com/logo": png, "https://app.example.com/svg": `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`,
				"https://app.example.com/html": "<!doctype html><script>", "https://app.example.com/gone": "404" + png, "https://app.example.com/panic": "panic",
				"https://app.example.com/webp": "RIFF1234WEBPVP8 ", "https://app.example.com/jpeg": "\xff\xd8\xff\xe0", "https://app.example.com/gif": "GIF89a", "https://app.example.com/huge": png + strings.Repeat("x", 128<<10),
			}}
			b := signedInWorld(t, a, func(s *setup) {
				s.Logos, s.Fetcher = true, site
				s.Clients[0].Metadata.LogoURI = "https://app.example.com/logo"
				for _, name := range []string{"svg", "html", "gone", "panic", "webp", "jpeg", "gif", "huge", "none"} {
					s.Clients = append(s.Clients, party{name, "secret-0123456789-secret", "client_secret_basic", callback}.client("authorization_code"))
					s.Clients[len(s.Clients)-1].Metadata.LogoURI = "https://app.example.com/" + name
				}
				stranger := party{"stranger", "", "none", callback}.client("authorization_code")
				stranger.Origin, stranger.Metadata.LogoURI = store.ByRegistration, "https://app.example.com/logo"
				http := party{"http", "", "none", callback}.client("authorization_code")
				http.Metadata.LogoURI = "http://169.254.169.254/logo"
				s.Clients = append(s.Clients, stranger, http)
			})
			p := b.authorize(web())
			if !strings.Contains(p.Body, `<img id="client-logo" src="/interaction/logo?client=web"`) || strings.Contains(p.Body, "https://app.example.com/logo") {
				t.Errorf("page = %s", p.Body)
			}
			for range 3 {
				ans := b.w.get(t, "/interaction/logo?client=web").status(t, 200)
				ans.fields(t, "Content-Type", "image/png", "X-Content-Type-Options", "nosniff", "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox", "Cross-Origin-Resource-Policy", "same-origin", "Cache-Control", "private, max-age=3600", "Set-Cookie", "")
				if ans.Body != png {
					t.Errorf("body = %q", ans.Body)
				}
			}
			for name, kind := range map[string]string{"webp": "image/webp", "jpeg": "image/jpeg", "gif": "image/gif"} {
				b.w.get(t, "/interaction/logo?client="+name).status(t, 200).fields(t, "Content-Type", kind)
			}
			for _, query := range []string{"client=svg", "client=html", "client=gone", "client=panic", "client=huge", "client=none", "client=none", "client=stranger", "client=http", "client=post", "client=nobody", "client=", "", "client=web&client=post", "client=%00", "client=%ff", "client=https%3A%2F%2Fapp.example.com%2Flogo"} {
				ans := b.w.get(t, "/interaction/logo?"+query)
				if ans.Status != 404 || ans.Body != "" {
					t.Errorf("%s: %d %q, want 404", query, ans.Status, ans.Body)
				}
			}
			site.mu.Lock()
			defer site.mu.Unlock()
			if len(site.asked) != 10 {
				t.Errorf("%d fetches, want one for each of 10 logos", len(site.asked))
			}
			for _, r := range site.asked {
				if r.Trust != mandate.Untrusted || r.MaxBytes != 128<<10 || r.Purpose != "logo" {
					t.Errorf("request = %+v", r)
				}
			}
		},
		"without Logos there is none": func(t *testing.T, a Adapter) {
			b := signedInWorld(t, a, func(s *setup) { s.Clients[0].Metadata.LogoURI = "https://app.example.com/logo" })
			if p := b.authorize(web()); strings.Contains(p.Body, "<img") {
				t.Errorf("page = %s", p.Body)
			}
			b.w.get(t, "/interaction/logo?client=web").status(t, 404)
		},
		"in the language of the client's choice, or of the browser's": func(t *testing.T, a Adapter) {
			set := func(lang, title string) *pages.Set {
				s, err := pages.New(pages.Options{Lang: lang, Texts: pages.Texts{LoginTitle: title, ErrorTitle: title}})
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			b := newBrowser(newWorld(t, a, func(s *setup) {
				builtInPages(s)
				s.Locales = map[string]*pages.Set{"de": set("de", "Anmelden"), "pt-BR": set("pt-BR", "Entrar"), "ar": set("ar", "تسجيل الدخول")}
				for i := range s.Scopes {
					if s.Scopes[i].Name == "read" {
						s.Scopes[i].Locales = map[string]server.ScopeText{"DE": {Title: "Rechnungen lesen"}, "pt": {Description: "Todas as faturas."}}
					}
				}
			}))
			for _, tc := range []struct{ asked, browser, lang string }{
				{"", "", "en"},
				{"de", "", "de"},
				{"fr pt-BR de", "ar", "pt-BR"},
				{"de-CH", "", "de"},
				{"DE", "", "de"},
				{"", "de", "de"},
				{"", "fr, de;q=0.5, ar;q=0.7", "ar"},
				{"", "en, de;q=0.9", "en"},
				{"", "*, de;q=0.9", "en"},
				{"", "de;q=0", "en"},
				{"", "de;q=x,,;;,-,=", "en"},
				{"pt", "", "en"},
				{"fr", "ar-EG", "ar"},
				{strings.Repeat("x-", 200) + "de", "", "en"},
				{strings.Repeat("xx ", 100) + "de", strings.Repeat("x,", 1000) + "de", "en"},
			} {
				p := b.send(http.MethodGet, "/authorize?"+with(web().request(), "ui_locales", tc.asked).Encode(), nil, "Accept-Language", tc.browser)
				p = b.send(http.MethodGet, p.Header.Get("Location"), nil, "Accept-Language", tc.browser).is(200)
				if !strings.Contains(p.Body, `<html lang="`+tc.lang+`"`) {
					t.Errorf("%.40q, %.40q: page = %.60s, want %s", tc.asked, tc.browser, p.Body, tc.lang)
				}
			}
			b.authorize(web()).signIn("alice")
			for lang, want := range map[string][2]string{"en": {"", "Todas as faturas."}, "de": {"Rechnungen lesen", "Todas"}, "pt-BR": {"Todas as faturas.", "Rechnungen"}} {
				p := b.authorize(web(), "ui_locales", lang, "prompt", "consent")
				if !strings.Contains(p.Body, `<html lang="`+lang+`"`) || !strings.Contains(p.Body, `id="consent-form"`) || !strings.Contains(p.Body, want[0]) || strings.Contains(p.Body, want[1]) {
					t.Errorf("%s: the page shows the scope as %s", lang, p.Body)
				}
			}
			p := b.open("/authorize?ui_locales=ar&client_id=nobody").is(400)
			if !strings.Contains(p.Body, `<html lang="ar" dir="rtl">`) {
				t.Errorf("page = %.60s", p.Body)
			}
			m := b.w.get(t, "/.well-known/oauth-authorization-server").json(t)
			if got, _ := m["ui_locales_supported"].([]any); len(got) != 4 {
				t.Errorf("ui_locales_supported = %v", m["ui_locales_supported"])
			}
		},
	}
	return list
}
