package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
)

// plain is an app without discovery.
func plain(name string) client.OAuth2 {
	return client.OAuth2{
		Name: name, Credentials: client.Credentials{ID: "us", Secret: "a-secret"}, Scopes: []string{"profile", "email"},
		AuthURL: "https://id.example.com/authorize", TokenURL: "https://id.example.com/token",
	}
}

func newRegistry(tb testing.TB, c client.Config) *client.Registry {
	tb.Helper()
	if c.BaseURL == "" {
		c.BaseURL = "https://app.example.com"
	}
	if c.Secret.IsZero() {
		c.Secret = mandate.NewRandomSecret()
	}
	reg, err := client.NewRegistry(c)
	if err != nil {
		tb.Fatal(err)
	}
	return reg
}

func TestRegistryNamesAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	bad := client.OAuth2{Name: "Bad Name", AuthURL: "http://id.example.com", Scopes: []string{"two words"}, AuthParams: mandate.Params{{Name: "state", Value: "RandomString"}}}
	env := client.OAuth2{Name: "env", Credentials: client.FromEnv(func(string) (string, bool) { return "", false }, "GITHUB"), Issuer: "https://id.example.com"}
	same := plain("same")
	shared := plain("shared")
	shared.Callback = "https://app.example.com/auth/same/callback"
	_, err := client.NewRegistry(client.Config{BaseURL: "https://app.example.com", FlowTTL: -1, Apps: []client.App{bad, env, nil, same, same, shared}})
	if err == nil {
		t.Fatal("NewRegistry took it")
	}
	for _, want := range []string{
		"Config.Secret is empty", "FlowTTL", `the name "Bad Name"`, "Credentials.ID is empty", `AuthURL "http://id.example.com" is not https`, "TokenURL is empty",
		"GITHUB_CLIENT_ID", "Apps[2] is nil", "another app has already", `"two words"`, `"state"`, "RFC 9700, section 4.4",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	for base, ok := range map[string]bool{
		"https://app.example.com": true, "https://app.example.com/shop/": true, "http://127.0.0.1:8080": true, "http://[::1]:8080": true, "http://localhost": true,
		"": false, "app.example.com": false, "http://app.example.com": false, "https://": false, "https://u@app.example.com": false, "https://app.example.com?a=b": false,
		"https://app.example.com#": false, "ftp://app.example.com": false,
	} {
		_, err := client.NewRegistry(client.Config{BaseURL: base, Secret: mandate.NewRandomSecret(), Apps: []client.App{plain("one")}})
		if (err == nil) != ok {
			t.Errorf("BaseURL %q: error = %v, want ok = %v", base, err, ok)
		}
	}
	if _, err := client.NewRegistry(client.Config{BaseURL: "http://127.0.0.1:8080", Apps: []client.App{plain("one")}}); err != nil {
		t.Errorf("on loopback no secret is needed: %v", err)
	}
}

func TestCallbacksAreResolvedAgainstTheBaseURL(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ base, callback, want string }{
		"by default":              {"https://app.example.com", "", "https://app.example.com/auth/one/callback"},
		"a path":                  {"https://app.example.com", "/oauth/back", "https://app.example.com/oauth/back"},
		"behind a stripping path": {"https://app.example.com/shop/", "/oauth/back", "https://app.example.com/shop/oauth/back"},
		"a URL":                   {"https://app.example.com", "https://other.example.com/back", "https://other.example.com/back"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := plain("one")
			app.Callback = tc.callback
			reg := newRegistry(t, client.Config{BaseURL: tc.base, Apps: []client.App{app}})
			resp, err := reg.App("one").Begin(t.Context(), browser(""), client.Begin{})
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(resp.Header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			if got := u.Query().Get("redirect_uri"); got != tc.want {
				t.Errorf("redirect_uri = %q, want %q", got, tc.want)
			}
		})
	}
}

// browser is a request of a browser that has cookies.
func browser(cookies string) *mandate.Request {
	return &mandate.Request{Method: "GET", Origin: "https://app.example.com", Path: "/auth/one/login", Header: http.Header{"Cookie": {cookies}}}
}

func TestFromEnv(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env        map[string]string
		id, secret string
		method     string
		fault      string
	}{
		"client id and secret":           {env: map[string]string{"X_CLIENT_ID": "id", "X_CLIENT_SECRET": "s"}, id: "id", secret: "s"},
		"consumer key and secret":        {env: map[string]string{"X_CONSUMER_KEY": "id", "X_CONSUMER_SECRET": "s"}, id: "id", secret: "s"},
		"mixed":                          {env: map[string]string{"X_CLIENT_ID": "id", "X_CONSUMER_SECRET": "s"}, id: "id", secret: "s"},
		"a line break from a file":       {env: map[string]string{"X_CLIENT_ID": "id\n", "X_CLIENT_SECRET": " s\n"}, id: "id", secret: "s"},
		"both, the same":                 {env: map[string]string{"X_CLIENT_ID": "id", "X_CONSUMER_KEY": "id", "X_CLIENT_SECRET": "s"}, id: "id", secret: "s"},
		"no secret":                      {env: map[string]string{"X_CLIENT_ID": "id"}, fault: "X_CLIENT_SECRET is not set (nor X_CONSUMER_SECRET)"},
		"no secret, for a public client": {env: map[string]string{"X_CLIENT_ID": "id"}, method: client.MethodNone, id: "id"},
		"both, and they differ":          {env: map[string]string{"X_CLIENT_ID": "id", "X_CONSUMER_KEY": "other"}, fault: "X_CLIENT_ID and X_CONSUMER_KEY"},
		"nothing":                        {fault: "X_CLIENT_ID is not set"},
		"a secret of nobody":             {env: map[string]string{"X_CLIENT_SECRET": "s"}, fault: "X_CLIENT_ID is not set"},
		"a variable that is set to \"\"": {env: map[string]string{"X_CLIENT_ID": ""}, fault: "X_CLIENT_ID is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := plain("one")
			app.Credentials = client.FromEnv(func(name string) (string, bool) { v, ok := tc.env[name]; return v, ok }, "X")
			app.Credentials.Method = tc.method
			_, err := client.NewRegistry(client.Config{BaseURL: "https://app.example.com", Secret: mandate.NewRandomSecret(), Apps: []client.App{app}})
			switch {
			case tc.fault == "" && (err != nil || app.Credentials.ID != tc.id || app.Credentials.Secret != tc.secret):
				t.Errorf("FromEnv = %q %q, error %v", app.Credentials.ID, app.Credentials.Secret, err)
			case tc.fault != "" && (err == nil || !strings.Contains(err.Error(), tc.fault)):
				t.Errorf("error = %v, want one about %q", err, tc.fault)
			}
		})
	}
	unset := client.FromEnv(func(string) (string, bool) { return "", false }, "X")
	if _, err := client.NewTokenRequester(client.TokenConfig{TokenURL: "https://id.example.com/token", Credentials: unset}); err == nil || !strings.Contains(err.Error(), "TokenConfig: X_CLIENT_ID is not set") {
		t.Errorf("error = %v", err)
	}
	if _, err := client.NewRegistry(client.Config{Apps: []client.App{client.OAuth2{Name: "one", Credentials: client.FromEnv(nil, "X")}}}); !strings.Contains(err.Error(), "os.LookupEnv") {
		t.Errorf("error = %v", err)
	}
}

// strange is an app of an application's own.
type strange struct{ in *client.SignIn }

func (strange) AppName() string                                   { return "strange" }
func (s strange) Connect(*client.Wiring) (client.Protocol, error) { return s, nil }
func (strange) Callback() string                                  { return "" }
func (strange) CrossSite() bool                                   { return false }
func (strange) Begin(_ context.Context, f *client.Flow) (string, error) {
	f.Secret = "kept " + f.Nonce
	return "https://strange.example.com/?s=" + f.State, nil
}

func (s strange) Finish(_ context.Context, f *client.Flow, answer mandate.Params) (*client.SignIn, error) {
	switch {
	case f.Secret != "kept "+f.Nonce || len(f.Verifier) != 43 || f.Data != "data":
		return nil, errors.New("the flow is another one")
	case answer.Get("no") != "":
		return nil, nil //nolint:nilnil // what a broken app does
	}
	return s.in, nil
}

func TestAppOfOnesOwn(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, client.Config{Apps: []client.App{strange{&client.SignIn{Profile: client.Profile{Subject: "7"}}}}})
	app := reg.App("strange")
	if reg.App("other") != nil || len(reg.Apps()) != 1 || reg.Apps()[0] != app || app.Name() != "strange" {
		t.Errorf("the registry has %v", reg.Apps())
	}
	finish := func(more string) (*client.SignIn, error) {
		resp, err := app.Begin(t.Context(), browser(""), client.Begin{Data: "data", ReturnTo: "/x"})
		if err != nil {
			t.Fatal(err)
		}
		_, state, _ := strings.Cut(resp.Header.Get("Location"), "s=")
		cookie, _, _ := strings.Cut(resp.Header.Get("Set-Cookie"), ";")
		req := browser(cookie)
		req.Path, req.RawQuery = "/auth/strange/callback", "state="+state+more
		in, _, err := app.Finish(t.Context(), req)
		return in, err
	}
	in, err := finish("")
	if err != nil || in.App != "strange" || in.ReturnTo != "/x" || in.Data != "data" || in.Remote() != app {
		t.Errorf("Finish = %+v, %v", in, err)
	}
	if _, err := finish("&no=1"); !errors.Is(err, client.Fault) {
		t.Errorf("neither a sign-in nor an error: error = %v, want Fault", err)
	}
	if _, err := app.Begin(t.Context(), browser(""), client.Begin{Data: strings.Repeat("x", 2000)}); !errors.Is(err, client.Fault) {
		t.Errorf("too much Data: error = %v, want Fault", err)
	}
	if _, err := (*client.Remote)(nil).Begin(t.Context(), browser(""), client.Begin{}); !errors.Is(err, client.Fault) {
		t.Errorf("no app: error = %v, want Fault", err)
	}
}

func TestFlowsSurviveARotationOfTheSecret(t *testing.T) {
	t.Parallel()
	old, fresh := []byte(strings.Repeat("o", 32)), []byte(strings.Repeat("n", 32))
	secretOf := func(roots ...[]byte) mandate.Secret {
		s, err := mandate.NewSecret(roots...)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	app := strange{&client.SignIn{}}
	before := newRegistry(t, client.Config{Secret: secretOf(old), Apps: []client.App{app}})
	resp, err := before.App("strange").Begin(t.Context(), browser(""), client.Begin{Data: "data"})
	if err != nil {
		t.Fatal(err)
	}
	_, state, _ := strings.Cut(resp.Header.Get("Location"), "s=")
	cookie, _, _ := strings.Cut(resp.Header.Get("Set-Cookie"), ";")
	for name, tc := range map[string]struct {
		secret mandate.Secret
		want   error
	}{"rotated": {secretOf(fresh, old), nil}, "dropped": {secretOf(fresh), client.StateMissing}} {
		reg := newRegistry(t, client.Config{Secret: tc.secret, Apps: []client.App{app}})
		req := browser(cookie)
		req.RawQuery = "state=" + state
		if _, _, err := reg.App("strange").Finish(t.Context(), req); !errors.Is(err, tc.want) {
			t.Errorf("%s: error = %v, want %v", name, err, tc.want)
		}
	}
}

func TestSafeReturnTo(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, client.Config{BaseURL: "https://app.example.com/shop", Apps: []client.App{plain("one")}})
	for target, want := range map[string]string{
		"/a?b#c": "/a?b#c", "https://app.example.com/a": "/a", "https://app.example.com": "/", "http://app.example.com/a": "no", "https://app.example.com:444/a": "no",
		"//a": "no", "/\\a": "no", "\\/a": "no", "/a\\b": "no", "a": "no", "": "no", "/a b": "no", "/\x00": "no",
	} {
		if got := reg.SafeReturnTo(target, "no"); got != want {
			t.Errorf("SafeReturnTo(%q) = %q, want %q", target, got, want)
		}
	}
}

func FuzzSafeReturnTo(f *testing.F) {
	reg := newRegistry(f, client.Config{Apps: []client.App{plain("one")}})
	for _, s := range []string{"/", "//a", "/\\a", "https://app.example.com/x", "https://app.example.com@a", "/%2f/a"} {
		f.Add(s)
	}
	base, err := url.Parse("https://app.example.com/auth/one/callback")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, target string) {
		got := reg.SafeReturnTo(target, "/")
		u, err := base.Parse(got)
		if err != nil || u.Host != base.Host || u.Scheme != base.Scheme || strings.ContainsAny(got, "\\\r\n\t") || strings.HasPrefix(got, "//") {
			t.Errorf("SafeReturnTo(%q) = %q leads to %v, %v", target, got, u, err)
		}
	})
}

func FuzzFinish(f *testing.F) {
	reg := newRegistry(f, client.Config{Apps: []client.App{strange{&client.SignIn{}}}, Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
	f.Add("state=x&code=y", "a=b", false)
	f.Add("state="+strings.Repeat("A", 27), "__Host-mandate-login-00000000-"+strings.Repeat("A", 27)+"=AAAA", true)
	f.Fuzz(func(t *testing.T, answer, cookies string, posted bool) {
		req := browser(cookies)
		if posted {
			req.Method, req.Body = "POST", answer
			req.Header = http.Header{"Cookie": {cookies}, "Content-Type": {"application/x-www-form-urlencoded"}}
		} else {
			req.RawQuery = answer
		}
		in, _, err := reg.App("strange").Finish(t.Context(), req)
		e, ok := errors.AsType[*client.Error](err)
		if in != nil || !ok || e.HTTPStatus() != 400 {
			t.Errorf("Finish = %v, %v", in, err)
		}
		if _, err := reg.App("strange").Begin(t.Context(), browser(cookies), client.Begin{}); err != nil {
			t.Errorf("Begin with those cookies: %v", err)
		}
	})
}

// BenchmarkBegin is the first step whole: state, nonce, PKCE, the URL and the sealed cookie.
func BenchmarkBegin(b *testing.B) {
	reg := newRegistry(b, client.Config{Apps: []client.App{plain("one")}})
	app, req := reg.App("one"), browser("session=0123456789")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := app.Begin(b.Context(), req, client.Begin{ReturnTo: "/cart?step=2"}); err != nil {
			b.Fatal(err)
		}
	}
}

// large is an app whose secret of a login is as long as it says.
type large struct {
	strange

	secret, callback string
}

func (l large) Connect(*client.Wiring) (client.Protocol, error) { return l, nil }
func (l large) Callback() string                                { return l.callback }
func (l large) Begin(_ context.Context, f *client.Flow) (string, error) {
	f.Secret = l.secret
	return "https://strange.example.com/?s=" + f.State, nil
}

func (l large) Finish(_ context.Context, f *client.Flow, _ mandate.Params) (*client.SignIn, error) {
	return &client.SignIn{Profile: client.Profile{Subject: f.RedirectURI}}, nil
}

// A cookie that no browser keeps is an error where the login begins, and not a mystery where it ends.
func TestCookiesThatNoBrowserKeeps(t *testing.T) {
	t.Parallel()
	for size, fine := range map[int]bool{100: true, 1500: true, 3 << 10: false, 8 << 10: false} {
		reg := newRegistry(t, client.Config{Apps: []client.App{large{secret: strings.Repeat("x", size)}}})
		resp, err := reg.App("strange").Begin(t.Context(), browser(""), client.Begin{Data: strings.Repeat("d", 1<<10)})
		if fine != (err == nil) || !fine && (!errors.Is(err, client.Fault) || !strings.Contains(err.Error(), "bytes")) {
			t.Errorf("%d bytes: error = %v", size, err)
		}
		if fine {
			if cookie, _, _ := strings.Cut(resp.Header.Get("Set-Cookie"), ";"); len(cookie) > 4096 {
				t.Errorf("%d bytes: the cookie has %d", size, len(cookie))
			}
		}
	}
}

// The redirect URI of the second step is that of the first, to the letter.
func TestTheRedirectURIOfBothSteps(t *testing.T) {
	t.Parallel()
	for _, callback := range []string{"", "/cb", "/cb?next=https://x.example.com/", "https://app.example.com.evil.example.com/cb", "https://b.example.com/cb?u=://", "/cb/://"} {
		reg := newRegistry(t, client.Config{Apps: []client.App{large{callback: callback}}})
		r := reg.App("strange")
		resp, err := r.Begin(t.Context(), browser(""), client.Begin{})
		if err != nil {
			t.Fatal(err)
		}
		_, state, _ := strings.Cut(resp.Header.Get("Location"), "s=")
		cookie, _, _ := strings.Cut(resp.Header.Get("Set-Cookie"), ";")
		req := browser(cookie)
		req.RawQuery = "state=" + state
		want := callback
		switch {
		case callback == "":
			want = "https://app.example.com/auth/strange/callback"
		case callback[0] == '/':
			want = "https://app.example.com" + callback
		}
		if in, _, err := r.Finish(t.Context(), req); err != nil || in.Profile.Subject != want {
			t.Errorf("%q: %+v, %v, want %s", callback, in, err, want)
		}
	}
}

// A page of another site that loads the login a hundred times as an image plants no hundred cookies, where they are SameSite=None.
func TestLoginsInsideOfOtherSites(t *testing.T) {
	t.Parallel()
	posted := plain("posted")
	posted.FormPost = true
	reg := newRegistry(t, client.Config{Apps: []client.App{plain("one"), posted}})
	for name, tc := range map[string]struct {
		app, site, dest string
		fine            bool
	}{
		"as an image":              {"posted", "cross-site", "image", false},
		"in a frame":               {"posted", "cross-site", "iframe", false},
		"by a script":              {"posted", "cross-site", "empty", false},
		"by a link":                {"posted", "cross-site", "document", true},
		"on a page of its own":     {"posted", "same-origin", "empty", true},
		"by hand":                  {"posted", "none", "document", true},
		"by an old browser":        {"posted", "", "", true},
		"whose cookie is SameSite": {"one", "cross-site", "image", true}, // browsers do not take it
	} {
		req := browser("")
		req.Header = mandate.Fields{{Name: "Sec-Fetch-Site", Value: tc.site}, {Name: "Sec-Fetch-Dest", Value: tc.dest}}
		resp, err := reg.App(tc.app).Begin(t.Context(), req, client.Begin{})
		if tc.fine != (err == nil) || tc.fine == errors.Is(err, client.Malformed) || tc.fine != (resp != nil) {
			t.Errorf("%s: error = %v", name, err)
		}
	}
}
