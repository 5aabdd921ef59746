package pages_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/pages"
)

// between returns what stands in the element that opens with start.
func between(html, start, end string) string {
	_, rest, ok := strings.Cut(html, start)
	if !ok {
		return "(absent)"
	}
	s, _, _ := strings.Cut(rest, end)
	return s
}

func TestClientName(t *testing.T) {
	t.Parallel()
	s := newSet(t, pages.Options{})
	for name, tc := range map[string]struct {
		client pages.Client
		want   string
	}{
		"a name":                     {pages.Client{ID: "1", Name: "Photo Printer"}, "Photo Printer"},
		"HTML":                       {pages.Client{Name: `</bdi><script>alert(1)</script>`}, "&lt;/bdi&gt;&lt;script&gt;alert(1)&lt;/script&gt;"},
		"template syntax":            {pages.Client{Name: "{{.CSRF}}"}, "{{.CSRF}}"},
		"an override of direction":   {pages.Client{Name: "safe\u202eexe.\u2066x\u200fy\u061cz"}, "safeexe.xyz"},
		"controls":                   {pages.Client{Name: "a\x00b\x1b[31mc\u0085d\ufeff"}, "ab[31mc d"},
		"lines":                      {pages.Client{Name: " a\r\n\r\n b\u2028c\t"}, "a b c"},
		"broken UTF-8":               {pages.Client{Name: "a\xffb"}, "a\ufffdb"},
		"Arabic stays":               {pages.Client{Name: "طابعة الصور"}, "طابعة الصور"},
		"Persian keeps its joiner":   {pages.Client{Name: "می\u200cخواهم"}, "می\u200cخواهم"},
		"a tower of accents":         {pages.Client{Name: "z" + strings.Repeat("\u0301", 50) + "a"}, "z\u0301\u0301\u0301a"},
		"five kilobytes":             {pages.Client{Name: strings.Repeat("W", 5<<10)}, strings.Repeat("W", 80) + "…"},
		"nothing but controls":       {pages.Client{ID: "web", Name: "\u202e\u2066"}, "web"},
		"no name, an id":             {pages.Client{ID: "web"}, "web"},
		"no name, a URL for an id":   {pages.Client{ID: "https://photos.example.com/client"}, "photos.example.com"},
		"no name, five kilobytes id": {pages.Client{ID: strings.Repeat("i", 5<<10)}, strings.Repeat("i", 80) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, err := s.Consent(pages.Consent{Action: "/c", Client: tc.client})
			if got := between(body(t, resp, err), `<bdi id="client-name">`, "</bdi>"); got != tc.want {
				t.Errorf("the page names %q, want %q", got, tc.want)
			}
		})
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	s := newSet(t, pages.Options{})
	for name, tc := range map[string]struct{ host, want string }{
		"a host":                       {"app.example.com", "app.example.com"},
		"loopback with a port":         {"[::1]:8080", "[::1]:8080"},
		"a private-use scheme":         {"com.example.app:", "com.example.app:"},
		"letters that look like Latin": {"аpple.com", "%D0%B0pple.com"}, // the first one is Cyrillic
		"an override of direction":     {"moc.\u202eevil", "moc.%E2%80%AEevil"},
		"HTML":                         {"<b>", "&lt;b&gt;"},
		"the end of a long one counts": {"bank.example." + strings.Repeat("x", 300) + ".evil.example", "…" + strings.Repeat("x", 240) + ".evil.example"},
		"none":                         {"", "(absent)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, err := s.Consent(pages.Consent{Action: "/c", Client: pages.Client{ID: "web"}, RedirectHost: tc.host})
			if got := between(body(t, resp, err), `<bdi id="redirect-host" dir="ltr">`, "</bdi>"); got != tc.want {
				t.Errorf("the page names %q, want %q", got, tc.want)
			}
		})
	}
}

func TestClientHost(t *testing.T) {
	t.Parallel()
	s := newSet(t, pages.Options{})
	for name, tc := range map[string]struct {
		client pages.Client
		want   string
	}{
		"from the id":          {pages.Client{ID: "https://photos.example.com:8443/c"}, "photos.example.com"},
		"as given":             {pages.Client{ID: "https://photos.example.com/c", IDHost: "other.example"}, "other.example"},
		"an id without a host": {pages.Client{ID: "web"}, "(absent)"},
		"another scheme":       {pages.Client{ID: "javascript://photos.example.com/"}, "(absent)"},
		"a user before it":     {pages.Client{ID: "https://bank.example@evil.example/"}, "(absent)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, err := s.Consent(pages.Consent{Action: "/c", Client: tc.client})
			if got := between(body(t, resp, err), `<bdi id="client-host" dir="ltr">`, "</bdi>"); got != tc.want {
				t.Errorf("the page names %q, want %q", got, tc.want)
			}
		})
	}
}

func TestClientLinks(t *testing.T) {
	t.Parallel()
	s := newSet(t, pages.Options{})
	for name, tc := range map[string]struct {
		url  string
		link bool // as a link of the client
		logo bool
	}{
		"https":             {url: "https://p.example/a?b=c#d", link: true},
		"a path":            {url: "/logo.png", logo: true},
		"http":              {url: "http://p.example/"},
		"javascript":        {url: "javascript:alert(1)"},
		"mixed case":        {url: "JaVaScRiPt:alert(1)"},
		"a leading blank":   {url: " javascript:alert(1)"},
		"a tab inside":      {url: "java\tscript:alert(1)"},
		"data":              {url: "data:text/html,<script>alert(1)</script>"},
		"another host":      {url: "//evil.example/x"},
		"a backslash":       {url: `/\evil.example/x`},
		"a quote":           {url: `https://p.example/" onclick="alert(1)`},
		"no host":           {url: "https:///x"},
		"a user":            {url: "https://bank.example@evil.example/"},
		"a path with quote": {url: `/x" onerror="alert(1)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, err := s.Login(pages.Login{Action: "/l", Client: pages.Client{
				ID: "1", LogoURL: tc.url, PolicyURL: tc.url, TermsURL: tc.url, URI: tc.url,
			}})
			html := body(t, resp, err)
			for _, id := range []string{"client-policy", "client-tos", "client-uri"} {
				if got := strings.Contains(html, `id="`+id+`" href="`+tc.url+`" target="_blank" rel="noopener noreferrer"`); got != tc.link {
					t.Errorf("%s links to %q = %v, want %v", id, tc.url, got, tc.link)
				}
				if !tc.link && strings.Contains(html, id+`"`) {
					t.Errorf("%s is on the page", id)
				}
			}
			if got := strings.Contains(html, `<img id="client-logo" src="`+tc.url+`"`); got != tc.logo || !tc.logo && strings.Contains(html, "<img") {
				t.Errorf("logo = %v, want %v", got, tc.logo)
			}
		})
	}
}

func TestReturnLink(t *testing.T) {
	t.Parallel()
	s := newSet(t, pages.Options{})
	for name, tc := range map[string]struct {
		url, host string
		href      string // as it stands in the page; "" is no link
	}{
		"https":                {url: "https://app.example.com/cb?error=x&state=y", host: "app.example.com", href: "https://app.example.com/cb?error=x&amp;state=y"},
		"loopback":             {url: "http://127.0.0.1:4711/cb?error=x", host: "127.0.0.1", href: "http://127.0.0.1:4711/cb?error=x"},
		"private-use scheme":   {url: "com.example.app:/cb?error=x", host: "com.example.app", href: "com.example.app:/cb?error=x"},
		"scheme without a dot": {url: "myapp:/cb"},
		"javascript":           {url: "javascript:alert(1)"},
		"data":                 {url: "data:text/html,x"},
		"file":                 {url: "file:///etc/passwd"},
		"dot after the scheme": {url: "javascript:x.y"},
		"a blank before":       {url: " com.example.app:/cb"},
		"a quote":              {url: `com.example.app:/"onclick=x`},
		"a path":               {url: "/cb"},
		"a user":               {url: "https://bank.example@evil.example/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, err := s.Error(pages.Error{ReturnURL: tc.url})
			html := body(t, resp, err)
			got := between(html, `<a id="error-back" class="button" `, "</a>")
			want := "(absent)"
			if tc.href != "" {
				want = `href="` + tc.href + `" rel="noreferrer">Return to <bdi dir="ltr">` + tc.host + "</bdi>"
			}
			if got != want {
				t.Errorf("link = %s, want %s", got, want)
			}
		})
	}
}

func TestRestartLink(t *testing.T) {
	t.Parallel()
	s := newSet(t, pages.Options{})
	for url, want := range map[string]bool{
		"/authorize?a=b": true, "https://app.example.com/": true, "http://127.0.0.1/": true,
		"": false, "//evil.example": false, "javascript:alert(1)": false, "com.example.app:/": false,
	} {
		resp, err := s.Error(pages.Error{RestartURL: url})
		if got := strings.Contains(body(t, resp, err), `<a id="error-restart" class="button primary" href="`+url+`"`); got != want {
			t.Errorf("a link to %q = %v, want %v", url, got, want)
		}
	}
}

// FuzzConsent holds that no text changes what the page is made of.
func FuzzConsent(f *testing.F) {
	s, err := pages.New(pages.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("Photo Printer", "https://photos.example.com/", "See your profile")
	f.Add("</style><script>", "javascript:alert(1)", "\u202e\x00\xff")
	f.Add("'\"><img src=x onerror=alert(1)>", "//evil.example", "{{.}}")
	f.Fuzz(func(t *testing.T, name, url, text string) {
		client := pages.Client{ID: url, Name: "n" + name, LogoURL: url, PolicyURL: url, TermsURL: url, URI: url}
		scopes := []pages.Scope{{Name: "fixed", Title: "t" + name, Description: "d" + text}, {Name: "n" + text, Optional: true}}
		for page, render := range map[string]func() (*mandate.Response, error){
			"consent": func() (*mandate.Response, error) {
				return s.Consent(pages.Consent{Action: "/c", User: text, RedirectHost: url, Scopes: scopes, Client: client, Resources: []string{url}, Details: []string{text}, ManageURL: url})
			},
			"accounts": func() (*mandate.Response, error) {
				return s.Accounts(pages.Accounts{Action: "/a", Accounts: []pages.Account{{ID: "1", Name: name, Login: text}, {ID: "2", Login: url}}, Client: client})
			},
			"applications": func() (*mandate.Response, error) {
				return s.Applications(pages.Applications{Action: "/a", User: text, Applications: []pages.Application{{ID: "1", Client: client, Scopes: scopes}}})
			},
		} {
			resp, err := render()
			if err != nil {
				t.Fatal(err)
			}
			checkHTML(t, page, string(resp.Body))
		}
	})
}

// checkHTML holds that html is made of what a page is made of, whatever the texts on it.
func checkHTML(t *testing.T, page, html string) {
	t.Helper()
	tags := regexp.MustCompile(`<[a-z]+`)
	hrefs := regexp.MustCompile(` (?:href|src)="([^"]*)"`)
	_, html, _ = strings.Cut(html, "</style>")
	if !utf8.ValidString(html) || strings.ContainsAny(html, "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u200f") {
		t.Errorf("the page of %s has characters that it must not have: %q", page, html)
	}
	for _, tag := range tags.FindAllString(html, -1) {
		if !strings.Contains(" <body <main <h <p <bdi <dl <div <dt <dd <form <input <ul <li <span <code <button <footer <a <img <label <section <time ", " "+tag+" ") {
			t.Errorf("the page of %s has a %s", page, tag)
		}
	}
	for _, m := range hrefs.FindAllStringSubmatch(html, -1) {
		if !strings.HasPrefix(strings.ToLower(m[1]), "https://") && (!strings.HasPrefix(m[1], "/") || strings.HasPrefix(m[1], "//")) {
			t.Errorf("the page of %s links to %q", page, m[1])
		}
	}
}
