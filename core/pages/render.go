package pages

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

const (
	layoutFile  = "layout.html"
	loginFile   = "login.html"
	consentFile = "consent.html"
	errorFile   = "error.html"
	postFile    = "post.html"

	deviceFile     = "device.html"
	deviceDoneFile = "device-done.html"
	verifierFile   = "verifier.html"

	accountsFile     = "accounts.html"
	applicationsFile = "applications.html"
)

// load parses the templates: those of own first, the embedded ones for the rest.
func (s *Set) load(own fs.FS) error {
	source, found := map[string]string{}, own == nil
	for _, name := range []string{layoutFile, loginFile, consentFile, errorFile, postFile, deviceFile, deviceDoneFile, verifierFile, accountsFile, applicationsFile} {
		content, err := fs.ReadFile(files, "templates/"+name)
		if err == nil && own != nil {
			var mine []byte
			if mine, err = fs.ReadFile(own, name); err == nil {
				content, found = mine, true
			} else if errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
		}
		if err != nil {
			return fmt.Errorf("pages: read %s: %w", name, err)
		}
		source[name] = string(content)
	}
	if !found {
		return errors.New("pages: Options.Templates has none of layout.html, login.html, accounts.html, consent.html, device.html, device-done.html, applications.html, error.html and post.html: " +
			"of a larger file system hand over the folder with fs.Sub")
	}
	layout, err := template.New(layoutFile).Funcs(template.FuncMap{"before": before, "after": after}).Parse(source[layoutFile])
	if err != nil {
		return fmt.Errorf("pages: template %s: %w", layoutFile, err)
	}
	for name, page := range map[string]**template.Template{
		loginFile: &s.login, consentFile: &s.consent, errorFile: &s.fault, postFile: &s.post, deviceFile: &s.device, deviceDoneFile: &s.deviceDone, verifierFile: &s.verifier,
		accountsFile: &s.accounts, applicationsFile: &s.applications,
	} {
		if *page, err = compose(layout, name, source[name]); err != nil {
			return fmt.Errorf("pages: template %s: %w", name, err)
		}
	}
	return nil
}

// compose returns the page called name: in the layout if it defines "content", else as it is.
func compose(layout *template.Template, name, source string) (*template.Template, error) {
	t, err := layout.Clone()
	if err != nil {
		return nil, err
	}
	page, err := t.New(name).Parse(source)
	if err != nil {
		return nil, err
	}
	if t.Lookup("content") == nil {
		return page, nil
	}
	return t, nil
}

// page executes t and puts the headers of a page around it.
func (s *Set) page(t *template.Template, status int, referrer string, v *View) (*mandate.Response, error) {
	var body bytes.Buffer
	if err := t.Execute(&body, v); err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	return &mandate.Response{
		Status: status,
		Header: mandate.Fields{
			{Name: "Content-Type", Value: "text/html; charset=utf-8"},
			{Name: "Cache-Control", Value: "no-store"},
			{Name: "Content-Security-Policy", Value: s.policy},
			{Name: "Referrer-Policy", Value: referrer},
			{Name: "X-Content-Type-Options", Value: "nosniff"},
			{Name: "X-Frame-Options", Value: "DENY"},
		},
		Body: body.Bytes(),
	}, nil
}

// try makes every page with sample data, twice: with all that it can show and with the least.
func (s *Set) try() error {
	const handle, csrf = "sample-handle", "sample-token"
	client := Client{
		ID: "https://sample.example/client", Name: "Sample", LogoURL: "/sample.png",
		PolicyURL: "https://sample.example/policy", TermsURL: "https://sample.example/terms", URI: "https://sample.example/",
	}
	for _, sample := range []struct {
		file string
		form bool
		make func() (*mandate.Response, error)
	}{
		{loginFile, true, func() (*mandate.Response, error) {
			return s.Login(Login{Action: "/sample", Handle: handle, CSRF: csrf, Username: "sample", Failed: true, Client: client})
		}},
		{loginFile, true, func() (*mandate.Response, error) {
			return s.Login(Login{Action: "/sample", Handle: handle, CSRF: csrf})
		}},
		{consentFile, true, func() (*mandate.Response, error) {
			return s.Consent(Consent{
				Action: "/sample", Handle: handle, CSRF: csrf, User: "sample", Offline: true, Client: client,
				Scopes: []Scope{{"sample", "Sample", "A sample", false}, {Name: "more", Optional: true}}, RedirectHost: "sample.example",
				Resources: []string{"https://sample.example"}, Details: []string{"A sample"}, ManageURL: "/sample",
			})
		}},
		{consentFile, true, func() (*mandate.Response, error) {
			return s.Consent(Consent{Action: "/sample", Handle: handle, CSRF: csrf, Client: Client{ID: "sample"}})
		}},
		{accountsFile, true, func() (*mandate.Response, error) {
			return s.Accounts(Accounts{Action: "/sample", Handle: handle, CSRF: csrf, Client: client, Accounts: []Account{{"1", "Sample", "sample"}, {ID: "2"}}})
		}},
		{accountsFile, true, func() (*mandate.Response, error) {
			return s.Accounts(Accounts{Action: "/sample", Handle: handle, CSRF: csrf})
		}},
		{applicationsFile, true, func() (*mandate.Response, error) {
			return s.Applications(Applications{Action: "/sample", Handle: handle, CSRF: csrf, User: "sample", Applications: []Application{
				{ID: "sample", Client: client, Scopes: []Scope{{Name: "sample"}}, Since: time.Unix(0, 0), Used: time.Unix(0, 0)},
				{ID: "other", Client: Client{ID: "other"}},
			}})
		}},
		{applicationsFile, true, func() (*mandate.Response, error) {
			return s.Applications(Applications{Action: "/sample", Handle: handle, CSRF: csrf})
		}},
		{deviceFile, true, func() (*mandate.Response, error) {
			return s.Device(Device{Action: "/sample", Handle: handle, CSRF: csrf, UserCode: "sample", Example: "XXXX-XXXX", Failed: true})
		}},
		{deviceFile, true, func() (*mandate.Response, error) {
			return s.Device(Device{Action: "/sample", Handle: handle, CSRF: csrf, UserCode: "sample", Confirm: true, Client: client})
		}},
		{deviceDoneFile, false, func() (*mandate.Response, error) { return s.DeviceDone(DeviceDone{Client: client}) }},
		{deviceDoneFile, false, func() (*mandate.Response, error) { return s.DeviceDone(DeviceDone{Denied: true}) }},
		{verifierFile, false, func() (*mandate.Response, error) { return s.Verifier(Verifier{Verifier: "sample", Client: client}) }},
		{verifierFile, false, func() (*mandate.Response, error) { return s.Verifier(Verifier{Denied: true}) }},
		{errorFile, false, func() (*mandate.Response, error) {
			return s.Error(Error{
				Code: mandate.InvalidRequest, Description: "sample",
				RestartURL: "/sample", ReturnURL: "https://sample.example/callback",
			})
		}},
		{errorFile, false, func() (*mandate.Response, error) { return s.Error(Error{}) }},
		{postFile, false, func() (*mandate.Response, error) {
			return s.Post(Post{URL: "https://sample.example/callback", Fields: []mandate.Field{{Name: "code", Value: handle}, {Name: "state", Value: csrf}}})
		}},
	} {
		resp, err := sample.make()
		if err != nil {
			return fmt.Errorf("pages: template %s: %w", sample.file, err)
		}
		body := string(resp.Body)
		if sample.file == postFile {
			if body, err = withoutScript(body); err != nil {
				return fmt.Errorf("pages: template %s: %w", sample.file, err)
			}
		}
		if err := s.check(body); err != nil {
			return fmt.Errorf("pages: template %s: %w", sample.file, err)
		}
		if sample.file == postFile && (!strings.Contains(body, handle) || !strings.Contains(body, csrf)) {
			return fmt.Errorf("pages: template %s: the form lacks the fields of Post.Fields", sample.file)
		}
		if sample.form && (!strings.Contains(body, handle) || !strings.Contains(body, csrf)) {
			return fmt.Errorf("pages: template %s: the form lacks the hidden fields handle and csrf", sample.file)
		}
	}
	return nil
}

// check refuses what a browser would not do under the policy.
func (s *Set) check(html string) error {
	lower := strings.ToLower(html)
	if strings.Contains(lower, "<script") {
		return errors.New("the page has a script, which its policy stops")
	}
	want := "<style>" + string(s.base.CSS) + "</style>"
	if strings.Count(lower, "<style") != strings.Count(html, want) {
		return errors.New("the page has a style of its own, which its policy stops: put it into Options.CSS, and <style>{{.CSS}}</style> into the head")
	}
	return nil
}
