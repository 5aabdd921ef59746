package pages_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-mandate/mandate/core/pages"
)

func templates(files map[string]string) fs.FS {
	m := fstest.MapFS{}
	for name, content := range files {
		m[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return m
}

const hidden = `<input type="hidden" name="handle" value="{{.Login.Handle}}"><input type="hidden" name="csrf" value="{{.Login.CSRF}}">`

func TestOverrideOnePage(t *testing.T) {
	t.Parallel()
	s := newSet(t, pages.Options{Templates: templates(map[string]string{
		"login.html": `{{define "content"}}<h1>Ours, {{.Client.Name}}</h1><form>` + hidden + `</form>{{end}}`,
		"other.html": `{{broken`,
	})})
	resp, err := s.Login(fullLogin())
	html := body(t, resp, err)
	if !strings.Contains(html, "<h1>Ours, Photo Printer</h1>") || !strings.Contains(html, `<html lang="en"`) || strings.Contains(html, "page-login") {
		t.Errorf("login is not the template of one's own in the default layout:\n%s", html)
	}
	resp, err = s.Consent(fullConsent())
	if html := body(t, resp, err); !strings.Contains(html, `<h1 id="page-consent">Authorize</h1>`) {
		t.Errorf("consent is not the default:\n%s", html)
	}
}

func TestOverrideLayout(t *testing.T) {
	t.Parallel()
	s := newSet(t, pages.Options{Brand: "Example", Templates: templates(map[string]string{
		"layout.html": `<!doctype html><title>{{.Title}}</title><style>{{.CSS}}</style><b>{{.Brand}}</b>{{template "content" .}}{{define "client-links"}}{{end}}`,
	})})
	resp, err := s.Error(fullError())
	if html := body(t, resp, err); !strings.HasPrefix(html, "<!doctype html><title>Error</title><style>") || !strings.Contains(html, `<b>Example</b><h1 id="page-error">Error</h1>`) {
		t.Errorf("the page is not in the layout of one's own:\n%s", html)
	}
}

func TestOverrideWholeDocument(t *testing.T) {
	t.Parallel()
	s := newSet(t, pages.Options{Templates: templates(map[string]string{
		"error.html": `<!doctype html><title>Oh</title><p>{{.Error.Code}}{{with .Return}} <a href="{{.}}">back</a>{{end}}`,
	})})
	data := fullError()
	data.ReturnURL = "com.example.app:/cb"
	resp, err := s.Error(data)
	if got, want := body(t, resp, err), `<!doctype html><title>Oh</title><p>invalid_scope <a href="com.example.app:/cb">back</a>`; got != want {
		t.Errorf("page = %s, want %s", got, want)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options pages.Options
		want    string
	}{
		"a template that does not parse":    {pages.Options{Templates: templates(map[string]string{"consent.html": "{{define"})}, "consent.html"},
		"a layout that does not parse":      {pages.Options{Templates: templates(map[string]string{"layout.html": "{{end}}"})}, "layout.html"},
		"a member that does not exist":      {pages.Options{Templates: templates(map[string]string{"error.html": `{{define "content"}}{{.Error.Kode}}{{end}}`})}, "error.html"},
		"a member that is only seldom used": {pages.Options{Templates: templates(map[string]string{"error.html": `{{if not .Return}}{{.Nope}}{{end}}`})}, "error.html"},
		"HTML that cannot be escaped":       {pages.Options{Templates: templates(map[string]string{"error.html": `{{define "content"}}<a href='{{if .Return}}'{{end}}>{{end}}`})}, "error.html"},
		"a login form without hidden fields": {
			pages.Options{Templates: templates(map[string]string{"login.html": `{{define "content"}}<form></form>{{end}}`})},
			"login.html: the form lacks",
		},
		"a script": {pages.Options{Templates: templates(map[string]string{"error.html": `<script src="/x.js"></script>`})}, "error.html: the page has a script"},
		"a style of its own": {
			pages.Options{Templates: templates(map[string]string{"error.html": `<style>p { color: red }</style>`})},
			"error.html: the page has a style",
		},
		"a template that cannot be read":   {pages.Options{Templates: templates(map[string]string{"login.html/x": "", "error.html": "x"})}, "read login.html"},
		"files of other names":             {pages.Options{Templates: templates(map[string]string{"templates/login.html": "x"})}, "fs.Sub"},
		"a sheet with its element":         {pages.Options{CSS: "<style>p{}</STYLE>"}, "Options.CSS"},
		"a sheet that is not text":         {pages.Options{CSS: "p{content:'\xff'}"}, "Options.CSS"},
		"a language that is none":          {pages.Options{Lang: `en" onload="`}, "Options.Lang"},
		"a text without its place":         {pages.Options{Texts: pages.Texts{LoginTo: "weiter"}}, "Options.Texts.LoginTo"},
		"a text with a place it never has": {pages.Options{Texts: pages.Texts{Allow: "Allow %s"}}, "Options.Texts.Allow"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := pages.New(tc.options); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("New error = %v, want one that names %q", err, tc.want)
			}
		})
	}
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string]string{
		"":      `<html lang="en" dir="ltr">`,
		"pt-BR": `<html lang="pt-BR" dir="ltr">`,
		"ar-EG": `<html lang="ar-EG" dir="rtl">`,
	} {
		resp, err := newSet(t, pages.Options{Lang: lang}).Error(pages.Error{})
		if html := body(t, resp, err); !strings.Contains(html, want) {
			t.Errorf("language %q: %s is not on the page", lang, want)
		}
	}
}

func ExampleNew() {
	set, err := pages.New(pages.Options{
		Brand: "Example Accounts",
		CSS:   pages.DefaultCSS() + ":root { --accent: #0b6b3a }",
		Texts: pages.Texts{Username: "Email address"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := set.Login(pages.Login{Action: "/login", Handle: "handle", CSRF: "token", Client: pages.Client{Name: "Photo Printer"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.Status, resp.Header.Get("Content-Type"))
	// Output: 200 text/html; charset=utf-8
}
