package adaptertest

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// browser is a browser: it keeps cookies, says that it navigates and follows redirects on its own sites. As in a real one
// cookies are not parted by port.
type browser struct {
	t       *testing.T
	w       *world
	cookies map[string]string
	fields  []string // sent with every request
}

func newBrowser(w *world) *browser {
	return &browser{t: w.t, w: w, cookies: map[string]string{}, fields: []string{
		"Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document",
	}}
}

// page is what a browser shows.
type page struct {
	*answer
	b   *browser
	url string // of the site, with path and query
}

// send sends one request and keeps the cookies of the answer. fields are added to the browser's own.
func (b *browser) send(method, target string, values url.Values, fields ...string) *page {
	b.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.w.url + target
	}
	all := append(append([]string{}, b.fields...), fields...)
	if len(b.cookies) > 0 {
		var pairs []string
		for name, value := range b.cookies {
			pairs = append(pairs, name+"="+value)
		}
		all = append(all, "Cookie", strings.Join(pairs, "; "))
	}
	body := ""
	if values != nil {
		body = values.Encode()
		all = append(all, "Content-Type", "application/x-www-form-urlencoded")
	}
	a := b.w.do(b.t, method, target, body, all...)
	for _, c := range (&http.Response{Header: a.Header}).Cookies() {
		if c.MaxAge < 0 || c.Value == "" {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	p := &page{a, b, target}
	if u, err := url.Parse(target); err == nil && a.Status >= 300 && a.Status < 400 && b.w.srv.Serves(u.Path) {
		// RFC 9700, section 4.12: no other status makes a browser forget the form.
		a.status(b.t, http.StatusSeeOther)
		a.fields(b.t, "Cache-Control", "no-store", "Referrer-Policy", "no-referrer")
	}
	return p
}

// open goes to target and on, until there is a page or the way leads to another host.
func (b *browser) open(target string) *page {
	b.t.Helper()
	return b.send(http.MethodGet, target, nil).follow()
}

// authorize opens the ordinary authorization request of p, after changes.
func (b *browser) authorize(p party, changes ...string) *page {
	b.t.Helper()
	return b.open(b.w.path("authorize") + "?" + with(p.request(), changes...).Encode())
}

// follow goes where a redirect leads.
func (p *page) follow() *page {
	p.b.t.Helper()
	for range 10 {
		to := p.Header.Get("Location")
		if p.Status < 300 || p.Status >= 400 || to == "" {
			return p
		}
		base, err := url.Parse(p.url)
		if err != nil {
			p.b.t.Fatal(err)
		}
		next, err := base.Parse(to)
		if err != nil {
			p.b.t.Fatal(err)
		}
		if next.Scheme+"://"+next.Host != p.b.w.url {
			return p
		}
		p = p.b.send(http.MethodGet, next.String(), nil)
	}
	p.b.t.Fatalf("too many redirects, the last to %s", p.Header.Get("Location"))
	return p
}

// form is a form of a page.
type form struct {
	b      *browser
	action string
	values url.Values // of the hidden inputs
}

// form returns the first form of the page.
func (p *page) form() form {
	p.b.t.Helper()
	p.status(p.b.t, 200)
	attr := func(tag, name string) string {
		m := regexp.MustCompile(`\b` + name + `="([^"]*)"`).FindStringSubmatch(tag)
		if m == nil {
			return ""
		}
		return html.UnescapeString(m[1])
	}
	_, rest, ok := strings.Cut(p.Body, "<form")
	if !ok {
		p.b.t.Fatalf("no form on the page %q", p.Body)
	}
	rest, _, _ = strings.Cut(rest, "</form>")
	tag, _, _ := strings.Cut(rest, ">")
	f := form{p.b, attr(tag, "action"), url.Values{}}
	for _, input := range regexp.MustCompile(`<input[^>]*>`).FindAllString(rest, -1) {
		if attr(input, "type") == "hidden" {
			f.values.Add(attr(input, "name"), attr(input, "value"))
		}
	}
	return f
}

// post posts the form with values, name by name, and returns the answer itself.
func (f form) post(values ...string) *page {
	f.b.t.Helper()
	v := with(f.values)
	for i := 0; i+1 < len(values); i += 2 {
		v.Add(values[i], values[i+1])
	}
	return f.b.send(http.MethodPost, f.action, v, "Origin", f.b.w.url, "Sec-Fetch-Site", "same-origin")
}

// submit is post, and goes where the answer leads.
func (f form) submit(values ...string) *page {
	f.b.t.Helper()
	return f.post(values...).follow()
}

// code returns the code that the page, a redirect to the client, carries.
func (p *page) code() string {
	p.b.t.Helper()
	_, q := p.params(p.b.t)
	if q.Get("code") == "" {
		p.b.t.Fatalf("no code in %q", p.Header.Get("Location"))
	}
	return q.Get("code")
}
