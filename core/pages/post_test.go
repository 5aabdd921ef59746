package pages_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"regexp"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/pages"
)

func TestPost(t *testing.T) {
	t.Parallel()
	s := newSet(t, pages.Options{})
	fields := []mandate.Field{{Name: "code", Value: "mdc_1"}, {Name: "state", Value: `"><script>alert('1')</script>&amp;+%41 ` + "\u202e"}, {Name: `x"y`, Value: "{{.CSRF}}"}}
	resp, err := s.Post(pages.Post{URL: "https://app.example.com/cb?a=1&b=%22", Fields: fields})
	page := body(t, resp, err)
	if resp.Status != 200 || resp.Header.Get("Referrer-Policy") != "no-referrer" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("status %d, header %v", resp.Status, resp.Header)
	}
	scripts := regexp.MustCompile(`(?s)<script[^>]*>(.*?)</script>`).FindAllStringSubmatch(page, -1)
	if len(scripts) != 1 {
		t.Fatalf("the page has %d scripts, want 1:\n%s", len(scripts), page)
	}
	sum := sha256.Sum256([]byte(scripts[0][1]))
	policy := resp.Header.Get("Content-Security-Policy")
	if !strings.HasSuffix(policy, "; script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "form-action") {
		t.Errorf("policy = %q", policy)
	}
	if !strings.Contains(page, `<form id="post-form" method="post" action="https://app.example.com/cb?a=1&amp;b=%22">`) {
		t.Errorf("the form does not go to the client:\n%s", page)
	}
	inputs := regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(page, -1)
	if len(inputs) != len(fields) {
		t.Fatalf("the form has %d fields, want %d:\n%s", len(inputs), len(fields), page)
	}
	for i, f := range fields {
		if html.UnescapeString(inputs[i][1]) != f.Name || html.UnescapeString(inputs[i][2]) != f.Value {
			t.Errorf("field %d is %q, want %v", i, inputs[i][0], f)
		}
	}
	if other, err := s.Login(fullLogin()); err != nil || strings.Contains(other.Header.Get("Content-Security-Policy"), "script-src") {
		t.Error("another page may run the script")
	}
}

func TestPostRefuses(t *testing.T) {
	t.Parallel()
	s := newSet(t, pages.Options{})
	for _, url := range []string{"", "/cb", "javascript:alert(1)", "com.example.app:/cb", "https://app.example.com/\"><script>", "https://user@app.example.com/", "data:text/html,x"} {
		if _, err := s.Post(pages.Post{URL: url}); err == nil {
			t.Errorf("a form to %q is made", url)
		}
	}
	if _, err := s.Post(pages.Post{URL: "https://app.example.com/", Fields: []mandate.Field{{Value: "x"}}}); err == nil {
		t.Error("a field without a name is made")
	}
}

func TestOverridePost(t *testing.T) {
	t.Parallel()
	const fields = `{{range .Post.Fields}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">{{end}}`
	for name, tc := range map[string]struct {
		template string
		ok       bool
	}{
		"whole":              {`{{define "content"}}<form id="post-form" method="post" action="{{.PostURL}}">` + fields + `</form><script>{{.Script}}</script>{{end}}`, true},
		"no script":          {`{{define "content"}}<form id="post-form" method="post" action="{{.PostURL}}">` + fields + `</form>{{end}}`, false},
		"a script more":      {`{{define "content"}}<form id="post-form">` + fields + `</form><script>{{.Script}}</script><script>1</script>{{end}}`, false},
		"another form":       {`{{define "content"}}<form id="other">` + fields + `</form><script>{{.Script}}</script>{{end}}`, false},
		"without the values": {`{{define "content"}}<form id="post-form"></form><script>{{.Script}}</script>{{end}}`, false},
	} {
		if _, err := pages.New(pages.Options{Templates: templates(map[string]string{"post.html": tc.template})}); (err == nil) != tc.ok {
			t.Errorf("%s: New = %v, want ok = %v", name, err, tc.ok)
		}
	}
}
