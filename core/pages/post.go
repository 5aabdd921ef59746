package pages

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"slices"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

// script is the one script of the pages: it sends the form of the post page. A field called "submit" does not stop it.
const script = `HTMLFormElement.prototype.submit.call(document.getElementById("post-form"))`

// Post is the content of the page that posts an answer to the client (OAuth 2.0 Form Post Response Mode). The
// page submits its form, whose id is "post-form", by script; without script there is a button.
type Post struct {
	URL    string          // where the form goes: an http or https URL; required
	Fields []mandate.Field // hidden fields, in their order
	Host   string          // what the page names; "" takes it from URL
}

// Post returns the page that posts an answer to the client, with status 200. It lets no referrer out, and its policy allows the one
// script, by its hash.
func (s *Set) Post(d Post) (*mandate.Response, error) {
	v := s.base
	v.Title = v.Text.PostTitle
	if web(d.URL, "http", "https") == "" {
		return nil, fmt.Errorf("pages: Post.URL %q is not an http or https URL", d.URL)
	}
	for _, f := range d.Fields {
		if f.Name == "" {
			return nil, errors.New("pages: Post.Fields has one without a name")
		}
	}
	if d.Host = host(d.Host); d.Host == "" {
		d.Host = hostOf(d.URL)
	}
	d.Fields = slices.Clone(d.Fields)
	v.Post, v.Script = d, script
	v.PostURL = template.URL(d.URL) //nolint:gosec // the scheme is http or https, and the template escapes the attribute
	resp, err := s.page(s.post, 200, "no-referrer", &v)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256([]byte(script))
	for i, f := range resp.Header {
		if f.Name == "Content-Security-Policy" {
			resp.Header[i].Value += "; script-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"
		}
	}
	return resp, nil
}

// withoutScript returns html without the one script that the post page has. Without it nobody would be sent on.
func withoutScript(html string) (string, error) {
	const tag = "<script>" + script + "</script>"
	if strings.Count(html, tag) != 1 || !strings.Contains(html, `id="post-form"`) {
		return "", errors.New(`the page lacks the form with the id post-form, or <script>{{.Script}}</script> after it`)
	}
	return strings.Replace(html, tag, "", 1), nil
}
