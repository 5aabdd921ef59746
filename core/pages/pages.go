// Package pages makes the pages that an authorization server shows to people: sign-in, choice of an account, consent, a device's code,
// connected applications and error, and the one that posts an answer to a client. They are plain HTML with ordinary forms and one style sheet: no script
// but the line that sends the answer, no picture from elsewhere, light and dark, readable on a telephone and by a screen reader.
//
// The zero [Options] are the default pages. An application changes the words ([Texts]), the look
// (Options.CSS) or single templates (Options.Templates), and keeps the rest.
package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"strings"
	"unicode/utf8"

	mandate "github.com/go-mandate/mandate/core"
)

//go:embed templates/*.html style.css
var files embed.FS

// Options says how the pages look. The zero value is the default pages.
type Options struct {
	// Brand is the name above the card and in the title of the window. Default: none.
	Brand string

	// Lang is the language of Texts as a tag of BCP 47. Default: "en".
	Lang string

	// Texts replaces words. Default: [English].
	Texts Texts

	// CSS replaces the style sheet; a change adds to it: pages.DefaultCSS() + ":root { --accent: #0b6b3a }".
	// The policy of the pages allows this one sheet by its hash, and no style attributes. Default: [DefaultCSS].
	CSS string

	// Templates replaces templates by name: "layout.html", "login.html", "accounts.html", "consent.html", "device.html",
	// "device-done.html", "applications.html", "error.html" and "post.html"; other
	// files are not looked at. Each is an html/template that is executed with a [View]. A page defines
	// "content", which the layout includes; one that does not is a whole document and goes without the
	// layout. A form has the hidden fields handle and csrf; that of post.html has the id post-form, and after it
	// <script>{{.Script}}</script>. Other scripts, and style elements with anything but {{.CSS}}, are an error, since the policy of the pages stops them. Default: the pages of this package.
	Templates fs.FS
}

// Set is the pages of one server. It is immutable.
type Set struct {
	base    View // what all pages share
	policy  string
	login   *template.Template
	consent *template.Template
	fault   *template.Template
	post    *template.Template

	device, deviceDone     *template.Template
	verifier               *template.Template
	accounts, applications *template.Template
}

// DefaultCSS returns the style sheet of the default pages.
func DefaultCSS() string {
	css, err := files.ReadFile("style.css")
	if err != nil {
		return "" // it is embedded: a build without it fails
	}
	return string(css)
}

// New returns the pages that o describes. Every template is parsed and executed once with sample data: an
// error names the field or the template.
func New(o Options) (*Set, error) {
	if err := o.Texts.complete(); err != nil {
		return nil, err
	}
	if o.Lang == "" {
		o.Lang = "en"
	}
	if !isTag(o.Lang) {
		return nil, fmt.Errorf("pages: Options.Lang %q is not a language tag such as \"en\" or \"pt-BR\"", o.Lang)
	}
	if o.CSS == "" {
		o.CSS = DefaultCSS()
	}
	css, err := sheet(o.CSS)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256([]byte(css))
	s := &Set{
		base: View{Lang: o.Lang, Dir: direction(o.Lang), Brand: text(o.Brand, maxName), CSS: css, Text: o.Texts},
		policy: "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'sha256-" +
			base64.StdEncoding.EncodeToString(hash[:]) + "'; img-src 'self'",
	}
	if err := s.load(o.Templates); err != nil {
		return nil, err
	}
	return s, s.try()
}

// Lang returns the language of the pages: Options.Lang, or its default.
func (s *Set) Lang() string { return s.base.Lang }

// Login returns the sign-in page, with status 200.
func (s *Set) Login(d Login) (*mandate.Response, error) {
	v := s.base
	v.Title = v.Text.LoginTitle
	if path(d.Action) == "" {
		return nil, fmt.Errorf("pages: Login.Action %q is not an absolute path", d.Action)
	}
	d.Failed = d.Failed && !d.Limited
	d.Username = field(d.Username)
	d.Client = d.Client.clean()
	v.Login, v.Client = d, d.Client
	return s.page(s.login, 200, "same-origin", &v)
}

// Consent returns the page that asks the user, with status 200.
func (s *Set) Consent(d Consent) (*mandate.Response, error) {
	v := s.base
	v.Title = v.Text.ConsentTitle
	if path(d.Action) == "" {
		return nil, fmt.Errorf("pages: Consent.Action %q is not an absolute path", d.Action)
	}
	d.Scopes = cleanScopes(d.Scopes)
	d.Resources, d.Details = cleanTexts(d.Resources, host), cleanTexts(d.Details, func(s string) string { return text(s, maxText) })
	d.ManageURL = path(d.ManageURL)
	d.User = text(d.User, maxName)
	d.RedirectHost = host(d.RedirectHost)
	d.UserCode = text(d.UserCode, maxName)
	if d.Client = d.Client.clean(); d.Client.Name == "" {
		return nil, errors.New("pages: Consent.Client has neither an ID nor a Name: nobody can consent to that")
	}
	v.Consent, v.Client = d, d.Client
	return s.page(s.consent, 200, "same-origin", &v)
}

// Error returns the error page, with the status of d.
func (s *Set) Error(d Error) (*mandate.Response, error) {
	v := s.base
	v.Title = v.Text.ErrorTitle
	if d.Code == "" {
		d.Code = mandate.ServerError
	}
	if d.Status < 400 || d.Status > 599 {
		d.Status = d.Code.Status()
	}
	d.Code = mandate.Code(text(string(d.Code), maxName))
	d.Description = text(d.Description, maxText)
	v.ErrorText = v.Text.reason(d.Reason)
	if d.Description == "" {
		d.Description, v.ErrorText = v.ErrorText, ""
	}
	if path(d.RestartURL) == "" {
		d.RestartURL = web(d.RestartURL, "http", "https")
	}
	link, name := away(d.ReturnURL)
	if d.ReturnHost = host(d.ReturnHost); d.ReturnHost == "" {
		d.ReturnHost = name
	}
	d.ReturnURL = string(link)
	v.Error, v.Return = d, link
	return s.page(s.fault, d.Status, "no-referrer", &v)
}

// sheet returns css as a browser sees the text of the style element, which is what its hash is taken of.
func sheet(css string) (template.CSS, error) {
	css = strings.ReplaceAll(strings.ReplaceAll(css, "\r\n", "\n"), "\r", "\n")
	if !utf8.ValidString(css) || strings.ContainsRune(css, 0) {
		return "", errors.New("pages: Options.CSS is not UTF-8 text")
	}
	if strings.Contains(strings.ToLower(css), "</style") {
		return "", errors.New("pages: Options.CSS ends the style element: give the style sheet without <style> and </style>")
	}
	return template.CSS(css), nil //nolint:gosec // the application's own style sheet, never data
}

func isTag(lang string) bool {
	for i := range len(lang) {
		c := lang[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return len(lang) >= 2 && len(lang) <= 35
}

// direction returns how the language is written.
func direction(lang string) string {
	base, _, _ := strings.Cut(strings.ToLower(lang), "-")
	switch base {
	case "ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi":
		return "rtl"
	default:
		return "ltr"
	}
}
