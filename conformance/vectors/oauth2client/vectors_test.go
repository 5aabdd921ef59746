// Package oauth2client_test holds package client against the vectors of this folder.
package oauth2client_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/jose"
)

// load reads a file of vectors.
func load[T any](t *testing.T, name string) []T {
	t.Helper()
	data, err := os.ReadFile(name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ Vectors []T }
	if err := json.Unmarshal(data, &v); err != nil || len(v.Vectors) == 0 {
		t.Fatalf("%s: %d vectors, %v", name, len(v.Vectors), err)
	}
	return v.Vectors
}

// answering is a Fetcher that answers always the same, and keeps the last request.
type answering struct {
	status     int
	kind, body string
	last       *mandate.FetchRequest
}

func (a *answering) Fetch(_ context.Context, r *mandate.FetchRequest) (*mandate.Response, error) {
	a.last = r
	status := a.status
	if status == 0 {
		status = 200
	}
	return &mandate.Response{Status: status, Header: mandate.Fields{{Name: "Content-Type", Value: a.kind}}, Body: []byte(a.body)}, nil
}

// form returns the form that was sent last.
func (a *answering) form(t *testing.T) url.Values {
	t.Helper()
	if a.last == nil {
		t.Fatal("nothing was sent")
	}
	form, err := url.ParseQuery(a.last.Body)
	if err != nil {
		t.Fatal(err)
	}
	return form
}

var now = time.Unix(1000, 0)

func requester(t *testing.T, c client.Credentials, f *answering) *client.TokenRequester {
	t.Helper()
	r, err := client.NewTokenRequester(client.TokenConfig{
		App: "vectors", TokenURL: "https://server.example.com/token", RevocationURL: "https://server.example.com/revoke", Credentials: c, Fetcher: f,
		Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// registry returns one with a single app, which comes back to redirectURI.
func registry(t *testing.T, redirectURI string, f *answering, app client.OAuth2) *client.Registry {
	t.Helper()
	u, err := url.Parse(redirectURI)
	if err != nil {
		t.Fatal(err)
	}
	app.Name, app.TokenURL, app.Callback = "app", "https://server.example.com/token", redirectURI
	reg, err := client.NewRegistry(client.Config{
		BaseURL: u.Scheme + "://" + u.Host, Secret: mandate.NewRandomSecret(), Apps: []client.App{app}, Fetcher: f,
	})
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

// within reports which parameters of want are not in got with the same values.
func within(got, want url.Values) []string {
	var missing []string
	for name, values := range want {
		if !slices.Equal(got[name], values) {
			missing = append(missing, name)
		}
	}
	return missing
}

// always are parameters that this client adds.
var always = []string{"state", "code_challenge", "code_challenge_method", "client_id"}

// surplus reports which parameters of got are neither in want nor always there.
func surplus(got, want url.Values) []string {
	var more []string
	for name := range got {
		if !want.Has(name) && !slices.Contains(always, name) {
			more = append(more, name)
		}
	}
	return more
}

func TestRequests(t *testing.T) {
	t.Parallel()
	for _, v := range load[struct {
		From, Authorize, URL string
		ClientID             string `json:"client_id"`
		RedirectURI          string `json:"redirect_uri"`
		Scope                []string
		Params               map[string]string
	}](t, "requests") {
		app := client.OAuth2{Credentials: client.Credentials{ID: v.ClientID, Secret: "x"}, AuthURL: v.Authorize, Scopes: v.Scope}
		for name, value := range v.Params {
			app.AuthParams = append(app.AuthParams, mandate.Field{Name: name, Value: value})
		}
		resp, err := registry(t, v.RedirectURI, &answering{}, app).App("app").Begin(t.Context(), &mandate.Request{Method: "GET", Path: "/", Header: mandate.Fields{}}, client.Begin{})
		if err != nil {
			t.Errorf("%s: %v", v.From, err)
			continue
		}
		got, err1 := url.Parse(resp.Header.Get("Location"))
		want, err2 := url.Parse(v.URL)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		q := got.Query()
		if missing, more := within(q, want.Query()), surplus(q, want.Query()); len(missing)+len(more) > 0 || got.Host != want.Host || got.Path != want.Path || q.Get("state") == "" {
			t.Errorf("%s: the request is %s, want %s: differs in %v and %v", v.From, got, want, missing, more)
		}
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	for _, v := range load[struct {
		From, Grant, Method, Code, Username, Password, Authorization, Body string

		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		RedirectURI  string `json:"redirect_uri"`
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		Scope, Never []string
		Params       map[string]string
	}](t, "bodies") {
		f := &answering{kind: "application/json", body: `{"access_token":"a"}`}
		r := requester(t, client.Credentials{ID: v.ClientID, Secret: v.ClientSecret, Method: v.Method}, f)
		w := client.Want{Scopes: v.Scope, Params: url.Values{}}
		for name, value := range v.Params {
			w.Params.Set(name, value)
		}
		var err error
		switch v.Grant {
		case "authorization_code":
			_, err = r.Code(t.Context(), v.Code, v.RedirectURI, "", w)
		case "password":
			_, err = r.InsecurePassword(t.Context(), v.Username, v.Password, w)
		case "client_credentials":
			_, err = r.ClientCredentials(t.Context(), w)
		case "refresh_token":
			_, err = r.Refresh(t.Context(), v.RefreshToken, w)
		case "revoke":
			err = r.Revoke(t.Context(), &oauth2.Token{AccessToken: v.AccessToken, RefreshToken: v.RefreshToken})
		default:
			t.Fatalf("%s: the grant %q is not known here", v.From, v.Grant)
		}
		if err != nil {
			t.Errorf("%s: %v", v.From, err)
			continue
		}
		want, err := url.ParseQuery(v.Body)
		if err != nil {
			t.Fatal(err)
		}
		got := f.form(t)
		if missing, more := within(got, want), surplus(got, want); len(missing)+len(more) > 0 {
			t.Errorf("%s: the form is %s, want %s: differs in %v and %v", v.From, f.last.Body, v.Body, missing, more)
		}
		if auth := f.last.Header.Get("Authorization"); auth != v.Authorization {
			t.Errorf("%s: Authorization is %q, want %q", v.From, auth, v.Authorization)
		}
		for _, name := range v.Never {
			if got.Has(name) {
				t.Errorf("%s: the form has %s", v.From, name)
			}
		}
	}
}

func TestCallbacks(t *testing.T) {
	t.Parallel()
	for _, v := range load[struct {
		From, URL, Code, Error string
		Description            string `json:"error_description"`
		Malformed, Foreign     bool
	}](t, "callbacks") {
		redirectURI, query, _ := strings.Cut(v.URL, "?")
		f := &answering{kind: "application/json", body: `{"access_token":"good"}`}
		reg := registry(t, redirectURI, f, client.OAuth2{Credentials: client.Credentials{ID: "id", Secret: "x"}, AuthURL: "https://server.example.com/authorize"})
		begun, err := reg.App("app").Begin(t.Context(), &mandate.Request{Method: "GET", Path: "/", Header: mandate.Fields{}}, client.Begin{})
		if err != nil {
			t.Fatal(err)
		}
		to, err := url.Parse(begun.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		cookie, _, _ := strings.Cut(begun.Header.Get("Set-Cookie"), ";")
		query = strings.Replace(query, "state=xyz", "state="+to.Query().Get("state"), 1)
		in, _, err := reg.App("app").Finish(t.Context(), &mandate.Request{
			Method: "GET", Path: "/", RawQuery: query, Header: mandate.Fields{{Name: "Cookie", Value: cookie}},
		})
		e, _ := errors.AsType[*client.Error](err)
		switch {
		case v.Code != "":
			if err != nil || in.Token.AccessToken != "good" || f.form(t).Get("code") != v.Code {
				t.Errorf("%s: %v, want the code %q", v.From, err, v.Code)
			}
			continue
		case e == nil:
			t.Errorf("%s: it ends with %v, %v, want an error", v.From, in, err)
		case v.Foreign && e.Kind != client.StateMissing, v.Malformed && e.Kind != client.Malformed,
			v.Error != "" && (string(e.Code) != v.Error || e.Description != v.Description):
			t.Errorf("%s: it ends with %v", v.From, e)
		}
		if f.last != nil {
			t.Errorf("%s: something was sent to the token endpoint", v.From)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for _, v := range load[struct {
		From, Type, Body, Error string
		Status                  int
		AccessToken             string `json:"access_token"`
		TokenType               string `json:"token_type"`
		RefreshToken            string `json:"refresh_token"`
		ExpiresIn               int64  `json:"expires_in"`
		Asked, Scope, Missing   []string
		Extra                   map[string]string
		Broken                  bool
	}](t, "tokens") {
		r := requester(t, client.Credentials{ID: "id"}, &answering{status: v.Status, kind: v.Type, body: v.Body})
		tok, err := r.ClientCredentials(t.Context(), client.Want{Scopes: v.Asked})
		if v.Error != "" || v.Broken {
			if e, ok := errors.AsType[*client.Error](err); !ok || string(e.Code) != v.Error || v.Broken && e.Kind != client.Unreachable {
				t.Errorf("%s: %v, %v, want the error %q", v.From, tok, err, v.Error)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", v.From, err)
			continue
		}
		var expiry time.Time
		if v.ExpiresIn > 0 {
			expiry = now.Add(time.Duration(v.ExpiresIn) * time.Second)
		}
		if tok.AccessToken != v.AccessToken || tok.TokenType != v.TokenType || tok.RefreshToken != v.RefreshToken || !tok.Expiry.Truncate(time.Second).Equal(expiry) ||
			!slices.Equal(client.Scopes(tok), v.Scope) || !slices.Equal(client.MissingScopes(tok, v.Asked...), v.Missing) {
			t.Errorf("%s: the token is %+v with %q", v.From, tok, client.Scopes(tok))
		}
		for name, want := range v.Extra {
			if tok.Extra(name) != want {
				t.Errorf("%s: %s is %v, want %q", v.From, name, tok.Extra(name), want)
			}
		}
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	for _, v := range load[struct {
		From, Text string
		List       []string
		ReadOnly   bool `json:"read_only"`
	}](t, "scopes") {
		if got := client.Scopes((&oauth2.Token{}).WithExtra(map[string]any{"scope": v.Text})); !slices.Equal(got, v.List) {
			t.Errorf("%s: %q is %q, want %q", v.From, v.Text, got, v.List)
		}
		if v.ReadOnly {
			continue
		}
		f := &answering{kind: "application/json", body: `{"access_token":"a"}`}
		if _, err := requester(t, client.Credentials{ID: "id"}, f).ClientCredentials(t.Context(), client.Want{Scopes: v.List}); err != nil || f.form(t).Get("scope") != v.Text {
			t.Errorf("%s: %q is sent as %q, %v, want %q", v.From, v.List, f.form(t).Get("scope"), err, v.Text)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, v := range load[struct {
		From, Type, Body, Root string
		Members, Form          map[string]string
		Raw                    bool
	}](t, "answers") {
		data, err := (&client.Response{Status: 200, ContentType: v.Type, Raw: []byte(v.Body)}).Data()
		if err != nil {
			t.Errorf("%s: %v", v.From, err)
			continue
		}
		ok := false
		switch d := data.(type) {
		case map[string]any:
			ok = len(d) == len(v.Members)
			for name, want := range v.Members {
				ok = ok && d[name] == want
			}
		case url.Values:
			ok = len(d) == len(v.Form)
			for name, want := range v.Form {
				ok = ok && d.Get(name) == want
			}
		case *client.Element:
			ok = v.Root != "" && d.XMLName.Local == v.Root
		case []byte:
			ok = v.Raw && string(d) == v.Body
		}
		if !ok {
			t.Errorf("%s: it is %#v", v.From, data)
		}
	}
}

func TestAssertions(t *testing.T) {
	t.Parallel()
	key, err := jose.Generate(jose.RS256)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range load[struct {
		From, Issuer, Subject, Audience string
		GrantType                       string `json:"grant_type"`
	}](t, "assertions") {
		signed, err := client.Assertion{Issuer: v.Issuer, Subject: v.Subject, Audience: v.Audience}.Sign(key, now)
		if err != nil {
			t.Fatal(err)
		}
		f := &answering{kind: "application/json", body: `{"access_token":"a"}`}
		if _, err := requester(t, client.Credentials{ID: "id"}, f).JWTBearer(t.Context(), signed, client.Want{}); err != nil {
			t.Fatal(err)
		}
		form := f.form(t)
		_, payload, err := jose.Verify(form.Get("assertion"), jose.NewKeySet(key.Public()), []jose.Alg{jose.RS256})
		if err != nil {
			t.Fatal(err)
		}
		var c struct {
			Iss, Sub, Aud, Jti string
			Iat, Exp           int64
		}
		if err := json.Unmarshal(payload, &c); err != nil || c.Iss != v.Issuer || c.Sub != v.Subject || c.Aud != v.Audience || c.Iat != now.Unix() ||
			c.Exp <= c.Iat || c.Jti == "" || form.Get("grant_type") != v.GrantType {
			t.Errorf("%s: the claims are %s, %v", v.From, payload, err)
		}
	}
}
