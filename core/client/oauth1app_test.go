package client_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/oauth1"
)

// photos is a provider of OAuth 1.0a. Its answers may be replaced, by purpose.
type photos struct {
	t      *testing.T
	method oauth1.Method
	public *rsa.PublicKey
	answer map[string]mandate.Response
	asked  []*mandate.FetchRequest
	said   []*oauth1.Message
}

func (p *photos) Fetch(_ context.Context, r *mandate.FetchRequest) (*mandate.Response, error) {
	header := http.Header{}
	for _, f := range r.Header {
		header.Add(f.Name, f.Value)
	}
	u, err := url.Parse(r.URL)
	if err != nil {
		p.t.Fatalf("%s: %v", r.Purpose, err)
	}
	m, err := oauth1.Parse(&mandate.Request{Method: r.Method, Origin: u.Scheme + "://" + u.Host, Path: u.EscapedPath(), RawQuery: u.RawQuery, Header: header, Body: r.Body}, "")
	if err != nil {
		p.t.Fatalf("%s: %v", r.Purpose, err)
	}
	k := oauth1.Keys{ClientSecret: "consumer secret", TokenSecret: map[string]string{"": "", "tmp/1": "tmp secret", "tok": "tok secret"}[m.Token], Public: p.public}
	if err := m.Verify(p.method, &k); err != nil {
		p.t.Errorf("%s: %v", r.Purpose, err)
	}
	p.asked, p.said = append(p.asked, r), append(p.said, m)
	if resp, ok := p.answer[r.Purpose]; ok {
		if resp.Status == 0 {
			return nil, errors.New("no route")
		}
		return &resp, nil
	}
	return &mandate.Response{Status: 200, Body: []byte(map[string]string{
		"request token": "oauth_token=tmp%2F1&oauth_token_secret=tmp+secret&oauth_callback_confirmed=true",
		"token":         "oauth_token=tok&oauth_token_secret=tok%20secret&user_id=7&screen_name=ann",
		"profile":       `{"sub":"7","name":"Ann"}`,
	}[r.Purpose])}, nil
}

func photosApp() client.OAuth1 {
	return client.OAuth1{
		Name: "photos", Credentials: client.Credentials{ID: "key", Secret: "consumer secret"}, RequestTokenURL: "https://photos.example.com/request?v=1",
		AuthURL: "https://photos.example.com/authorize?lang=en", TokenURL: "https://photos.example.com/access", ProfileURL: "https://photos.example.com/me",
	}
}

// oldLogin is a login in one browser: begun, and what came of it.
type oldLogin struct {
	p      *photos
	app    *client.Remote
	cookie string
	at     *url.URL
}

func beginOld(t *testing.T, p *photos, o client.OAuth1, b client.Begin, change ...func(*client.Config)) (*oldLogin, error) {
	t.Helper()
	p.t = t
	if p.method == nil {
		p.method = oauth1.HMACSHA1
	}
	c := client.Config{Fetcher: p, Apps: []client.App{o}}
	for _, f := range change {
		f(&c)
	}
	l := &oldLogin{p: p, app: newRegistry(t, c).App("photos")}
	resp, err := l.app.Begin(t.Context(), browser(""), b)
	if err != nil {
		return l, err
	}
	l.cookie, _, _ = strings.Cut(resp.Header.Get("Set-Cookie"), ";")
	if l.at, err = url.Parse(resp.Header.Get("Location")); err != nil {
		t.Fatal(err)
	}
	return l, nil
}

func (l *oldLogin) finish(answer string) (*client.SignIn, mandate.Fields, error) {
	req := browser(l.cookie)
	req.RawQuery = answer
	return l.app.Finish(l.p.t.Context(), req)
}

func TestOAuth1Login(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(o *client.OAuth1)
		method oauth1.Method
	}{
		"HMAC-SHA1 is the default":    {func(*client.OAuth1) {}, oauth1.HMACSHA1},
		"another method":              {func(o *client.OAuth1) { o.Method = oauth1.HMACSHA256 }, oauth1.HMACSHA256},
		"with a private key RSA-SHA1": {func(o *client.OAuth1) { o.PrivateKey, o.Credentials.Secret = key, "" }, oauth1.RSASHA1},
		"RSA-SHA256":                  {func(o *client.OAuth1) { o.PrivateKey, o.Method = key, oauth1.RSASHA256 }, oauth1.RSASHA256},
		"PLAINTEXT":                   {func(o *client.OAuth1) { o.Method = oauth1.Plaintext }, oauth1.Plaintext},
		"in the query, by GET": {func(o *client.OAuth1) {
			o.Placement, o.RequestTokenMethod, o.TokenMethod = oauth1.InQuery, "GET", "GET"
		}, oauth1.HMACSHA1},
		"in the body, calls elsewhere": {func(o *client.OAuth1) { o.Placement = oauth1.InBody }, oauth1.HMACSHA1},
		"with a state in the callback": {func(o *client.OAuth1) { o.CallbackState = true }, oauth1.HMACSHA1},
		"an own profile, which signs":  {func(o *client.OAuth1) { o.Profile = ownProfile }, oauth1.HMACSHA1},
		"realm, hash and header fields": {func(o *client.OAuth1) {
			o.Realm, o.BodyHash, o.Header = "photos", true, mandate.Fields{{Name: "User-Agent", Value: "us"}}
		}, oauth1.HMACSHA1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := photosApp()
			o.RequestParams, o.TokenParams = mandate.Params{{Name: "access type", Value: "read&write"}}, mandate.Params{{Name: "x", Value: "y"}}
			o.AuthParams = mandate.Params{{Name: "force_login", Value: "true"}, {Name: "hint", Value: "nobody"}}
			tc.change(&o)
			p := &photos{method: tc.method, public: &key.PublicKey}
			l, err := beginOld(t, p, o, client.Begin{Params: mandate.Params{{Name: "hint", Value: "ann b"}}})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := l.at.String(), "https://photos.example.com/authorize?lang=en&oauth_token=tmp%2F1&force_login=true&hint=ann%20b"; got != want {
				t.Errorf("the browser is sent to %s, want %s", got, want)
			}
			state := ""
			if back, err := url.Parse(p.said[0].Callback); err != nil || back.Scheme+"://"+back.Host+back.Path != "https://app.example.com/auth/photos/callback" {
				t.Errorf("oauth_callback = %q, %v", p.said[0].Callback, err)
			} else if state = back.Query().Get("state"); (state != "") != o.CallbackState {
				t.Errorf("oauth_callback = %q", p.said[0].Callback)
			}
			answer := "oauth_token=tmp%2F1&oauth_verifier=v+1"
			if state != "" {
				if _, _, err := l.finish(answer); !errors.Is(err, client.StateMissing) {
					t.Errorf("without the state: error = %v, want StateMissing", err)
				}
				answer += "&state=" + state
			}
			in, header, err := l.finish(answer)
			if err != nil {
				t.Fatal(err)
			}
			if in.Token != nil || in.OAuth1.Token != "tok" || in.OAuth1.Secret != "tok secret" || in.OAuth1.Extra["screen_name"] != "ann" || in.Profile.Subject != "7" {
				t.Errorf("signed in: %+v %+v", in, *in.OAuth1)
			}
			if gone := header.Get("Set-Cookie"); !strings.Contains(gone, "Max-Age=0") || !strings.HasPrefix(gone, l.cookie[:strings.Index(l.cookie, "=")]) {
				t.Errorf("Set-Cookie = %q, and the cookie is %q", gone, l.cookie)
			}
			if len(p.said) != 3 || p.said[1].Verifier != "v 1" || p.said[1].Token != "tmp/1" || p.said[2].Token != "tok" || p.said[2].Placement == oauth1.InBody {
				t.Errorf("the provider was asked %v", p.said)
			}
			for i, want := range []string{"access type", "x"} {
				found := false
				for _, f := range p.said[i].Params() {
					found = found || f.Name == want
				}
				if !found {
					t.Errorf("request %d has no %q", i, want)
				}
			}
			for i, r := range p.asked {
				if o.Header != nil && r.Header.Get("User-Agent") != "us" || p.said[i].Realm != o.Realm {
					t.Errorf("%s has the header %v", r.Purpose, r.Header)
				}
			}
			if text := fmt.Sprintf("%v %+v %#v %v %+v %#v", o, o, o, *in.OAuth1, in.OAuth1, in.OAuth1); strings.Contains(text, "secret") || strings.Contains(text, "tok ") || len(text) > 400 {
				t.Errorf("printed: %s", text)
			}
		})
	}
}

func ownProfile(ctx context.Context, g *client.Granted) (client.Profile, error) {
	var user struct{ Sub, Name string }
	err := g.JSON(ctx, "https://photos.example.com/me?include=email", &user)
	return client.Profile{Subject: user.Sub, Name: user.Name, Username: g.OAuth1.Extra["screen_name"]}, err
}

func TestOAuth1Scopes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		begin          client.Begin
		answer         string
		realm          string
		scopes, missed string
	}{
		"the app's":                 {client.Begin{}, "", "read write", "[read write]", "[]"},
		"those of this login":       {client.Begin{Scopes: []string{"admin"}}, "", "admin", "[admin]", "[]"},
		"less than was asked for":   {client.Begin{}, "&oauth_authorized_realms=read", "read write", "[read]", "[write]"},
		"other than what was asked": {client.Begin{Scopes: []string{"admin"}}, "&oauth_authorized_realms=read,write", "admin", "[read write]", "[admin]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := photosApp()
			o.Scopes, o.Realm = []string{"read", "write"}, "house"
			p := &photos{answer: map[string]mandate.Response{"token": {Status: 200, Body: []byte("oauth_token=tok&oauth_token_secret=tok+secret" + tc.answer)}}}
			l, err := beginOld(t, p, o, tc.begin)
			if err != nil {
				t.Fatal(err)
			}
			in, _, err := l.finish("oauth_token=tmp%2F1&oauth_verifier=v")
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(in.Scopes) != tc.scopes || fmt.Sprint(in.Missing) != tc.missed || p.said[0].Realm != tc.realm || p.said[1].Realm != "house" {
				t.Errorf("scopes %v, missing %v, realms %q and %q", in.Scopes, in.Missing, p.said[0].Realm, p.said[1].Realm)
			}
		})
	}
}

func TestOAuth1Refusals(t *testing.T) {
	t.Parallel()
	answer := func(status int, body string) mandate.Response {
		return mandate.Response{Status: status, Body: []byte(body)}
	}
	for name, tc := range map[string]struct {
		purpose string
		resp    mandate.Response
		answer  string // in the browser's hands; default: one that is good
		kind    client.Kind
		code    mandate.Code
		status  int
		says    string
	}{
		"no answer for temporary credentials": {purpose: "request token", kind: client.Unreachable, says: "no route"},
		"a callback that is not confirmed":    {purpose: "request token", resp: answer(200, "oauth_token=a&oauth_token_secret=b"), kind: client.Mismatch, says: "1.0a"},
		"a callback that is denied":           {purpose: "request token", resp: answer(200, "oauth_token=a&oauth_token_secret=b&oauth_callback_confirmed=false"), kind: client.Mismatch},
		"a problem with a code": {
			purpose: "request token", resp: answer(401, "oauth_problem=consumer_key_unknown&oauth_problem_advice=who+are+you"),
			kind: client.Provider, code: oauth1.ConsumerKeyUnknown, status: 401, says: "who are you",
		},
		"a problem with status 200":   {purpose: "request token", resp: answer(200, "oauth_problem=signature_invalid"), kind: client.Provider, code: oauth1.SignatureInvalid, status: 200},
		"an error of JSON":            {purpose: "request token", resp: answer(401, `{"errors":[{"code":32,"message":"Could not authenticate you."}]}`), kind: client.Provider, code: "32", status: 401, says: "not authenticate"},
		"an error of text":            {purpose: "request token", resp: answer(401, "Failed to validate oauth signature and token"), kind: client.Provider, status: 401},
		"a page":                      {purpose: "request token", resp: answer(200, "<html>"), kind: client.Unreachable, status: 200},
		"nothing":                     {purpose: "request token", resp: answer(200, ""), kind: client.Unreachable, status: 200},
		"a provider that is broken":   {purpose: "request token", resp: answer(503, "busy"), kind: client.Unreachable, status: 503},
		"a limit":                     {purpose: "request token", resp: answer(429, "slow down"), kind: client.Unreachable, status: 429},
		"credentials that do not fit": {purpose: "request token", resp: answer(200, "oauth_callback_confirmed=true&oauth_token_secret=b&oauth_token="+strings.Repeat("a", 2000)), kind: client.Unreachable},
		"no answer for a verifier":    {purpose: "token", kind: client.Unreachable, says: "no route"},
		"a verifier that is wrong":    {purpose: "token", resp: answer(401, "oauth_problem=verifier_invalid"), kind: client.Provider, code: oauth1.VerifierInvalid, status: 401},
		"too late":                    {purpose: "token", resp: answer(401, "oauth_problem=token_expired"), kind: client.Expired, code: oauth1.TokenExpired, status: 401},
		"a no at the second endpoint": {purpose: "token", resp: answer(401, "oauth_problem=permission_denied"), kind: client.Denied, code: oauth1.PermissionDenied, status: 401},
		"a no of X":                   {answer: "denied=tmp%2F1", kind: client.Denied},
		"a no of others":              {answer: "oauth_token=tmp%2F1&oauth_problem=user_refused", kind: client.Denied, code: oauth1.UserRefused},
		"a no as OAuth 2 has it":      {answer: "oauth_token=tmp%2F1&error=access_denied&error_description=no", kind: client.Denied, code: mandate.AccessDenied, says: "no"},
		"another problem":             {answer: "oauth_token=tmp%2F1&oauth_problem=additional_authorization_required&oauth_problem_advice=call+us", kind: client.Provider, code: oauth1.AuthorizationRequired, says: "call us"},
		"a no to somebody else":       {answer: "denied=tmp2", kind: client.StateMissing},
		"the token of somebody else":  {answer: "oauth_token=tmp2&oauth_verifier=v", kind: client.StateMissing},
		"two tokens":                  {answer: "oauth_token=tmp%2F1&oauth_token=tmp2&oauth_verifier=v", kind: client.Malformed},
		"two problems":                {answer: "oauth_token=tmp%2F1&oauth_problem=a&oauth_problem=b", kind: client.Malformed},
		"both a token and a no":       {answer: "oauth_token=tmp%2F1&denied=tmp2&oauth_verifier=v", kind: client.Mismatch},
		"no verifier":                 {answer: "oauth_token=tmp%2F1", kind: client.Malformed},
		"no token":                    {answer: "oauth_verifier=v", kind: client.StateMissing},
		"nothing at all":              {answer: "x=y", kind: client.StateMissing},
		"a profile that is refused":   {purpose: "profile", resp: answer(401, "{}"), kind: client.Provider, status: 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &photos{answer: map[string]mandate.Response{tc.purpose: tc.resp}}
			l, err := beginOld(t, p, photosApp(), client.Begin{})
			if err == nil {
				if tc.answer == "" {
					tc.answer = "oauth_token=tmp%2F1&oauth_verifier=v"
				}
				_, _, err = l.finish(tc.answer)
			}
			e, ok := errors.AsType[*client.Error](err)
			if !ok || e.Kind != tc.kind || e.Code != tc.code || e.App != "photos" || !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("error = %v, want %s with the code %q", err, tc.kind, tc.code)
			}
			if e.Status != tc.status || tc.status != 0 && string(e.Body) != string(tc.resp.Body) {
				t.Errorf("the error has status %d and body %q", e.Status, e.Body)
			}
			if tc.purpose == "" && len(p.asked) > 1 {
				t.Errorf("the provider was asked for %s", p.asked[1].Purpose)
			}
		})
	}
}

func TestOAuth1StateAndTokenMustBothBeTheLogins(t *testing.T) {
	t.Parallel()
	o, p := photosApp(), &photos{}
	o.CallbackState = true
	l, err := beginOld(t, p, o, client.Begin{})
	if err != nil {
		t.Fatal(err)
	}
	back, err := url.Parse(p.said[0].Callback)
	if err != nil {
		t.Fatal(err)
	}
	state := "state=" + back.Query().Get("state")
	for answer, want := range map[string]client.Kind{
		state + "&oauth_token=tmp2&oauth_verifier=v": client.Mismatch,
		state + "&oauth_verifier=v":                  client.Malformed,
		state + "&denied=tmp2":                       client.Mismatch,
		state + "&oauth_problem=user_refused":        client.Denied, // which may come without a token
		"oauth_token=tmp%2F1&oauth_verifier=v":       client.StateMissing,
	} {
		if _, _, err := l.finish(answer); !errors.Is(err, want) {
			t.Errorf("%s: error = %v, want %s", answer, err, want)
		}
	}
	if len(p.asked) != 1 {
		t.Errorf("the provider was asked for %s", p.asked[1].Purpose)
	}
	if _, _, err := l.finish(state + "&oauth_token=tmp%2F1&oauth_verifier=v"); err != nil {
		t.Error(err)
	}
}

func TestOAuth1AppNamesAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(o *client.OAuth1)
		want   []string
	}{
		"an empty one": {func(o *client.OAuth1) { *o = client.OAuth1{Name: "photos"} }, []string{
			"Credentials.ID", "Credentials.Secret is empty, and there is no PrivateKey", "RequestTokenURL is empty", "AuthURL is empty", "TokenURL is empty",
		}},
		"all kinds": {func(o *client.OAuth1) {
			o.TokenURL, o.TokenMethod, o.Placement, o.RequestTokenMethod = "http://photos.example.com", "PUT", oauth1.InBody, "GET"
			o.AuthParams, o.Callback, o.Credentials.Method, o.Scopes = mandate.Params{{Name: "oauth_token", Value: "x"}}, "oob", "none", []string{"a b"}
		}, []string{"is not https", `TokenMethod is "PUT"`, "RequestTokenMethod is GET, which has no body", `"oauth_token"`, "client.OAuth1Transport", "for OAuth 2", `"a b"`}},
		"a method that needs a key": {func(o *client.OAuth1) { o.Method = oauth1.RSASHA256 }, []string{"RSA-SHA256"}},
		"no such method":            {func(o *client.OAuth1) { o.Method = oauth1.Standard("MD5") }, []string{"MD5"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := photosApp()
			tc.change(&o)
			_, err := client.NewRegistry(client.Config{BaseURL: "https://app.example.com", Secret: mandate.NewRandomSecret(), Apps: []client.App{o}})
			if err == nil {
				t.Fatal("NewRegistry took it")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
		})
	}
	env := photosApp()
	env.Credentials = client.FromEnv(func(name string) (string, bool) {
		return map[string]string{"PHOTOS_CONSUMER_KEY": "key", "PHOTOS_CONSUMER_SECRET": "s"}[name], true
	}, "PHOTOS")
	newRegistry(t, client.Config{Apps: []client.App{env}})
	env.Credentials = client.FromEnv(func(name string) (string, bool) { // a key signs: no secret is needed
		return map[string]string{"PHOTOS_CONSUMER_KEY": "key"}[name], true
	}, "PHOTOS")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	env.PrivateKey = key
	newRegistry(t, client.Config{Apps: []client.App{env}})
}

// signedAPI answers with whose credentials a request was signed, and what it asked for.
func signedAPI(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		m, err := oauth1.Parse(&mandate.Request{Method: r.Method, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery, Header: r.Header, Body: string(body)}, "http://"+r.Host)
		if err == nil {
			k := oauth1.Keys{ClientSecret: "consumer secret", TokenSecret: map[string]string{"tok": "tok secret", "tok2": "s2"}[m.Token]}
			err = m.Verify(oauth1.HMACSHA1, &k)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		_, _ = fmt.Fprintf(w, "%s as %q %s", r.Method, m.Token, r.URL) // #nosec G705 -- plain text of a test
	})
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound) // #nosec G710 -- where the test says
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func TestKeptOAuth1CredentialsSignCalls(t *testing.T) {
	t.Parallel()
	server := signedAPI(t)
	var strayed atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			strayed.Add(1)
		}
		_, _ = w.Write([]byte("elsewhere"))
	}))
	t.Cleanup(other.Close)
	o, kept := photosApp(), &rows{}
	o.APIURL = server.URL + "/1.1/"
	o.BeforeCall = func(r *http.Request) error {
		r.URL.RawQuery = strings.TrimPrefix(r.URL.RawQuery+"&tenant=a b", "&")
		r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, " ", "%20")
		return nil
	}
	l, err := beginOld(t, &photos{}, o, client.Begin{}, func(c *client.Config) { c.Tokens = kept })
	if err != nil {
		t.Fatal(err)
	}
	in, _, err := l.finish("oauth_token=tmp%2F1&oauth_verifier=v")
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	api := l.app.API("ann@here")
	if _, err := api.Get(ctx, "me", nil); !errors.Is(err, client.NoToken) {
		t.Errorf("before anything is kept: error = %v, want NoToken", err)
	}
	if err := in.Keep(ctx, "ann@here"); err != nil {
		t.Fatal(err)
	}
	for _, row := range kept.row {
		if row.Revision != 1 || !row.Expires.IsZero() || strings.Contains(string(row.Sealed), "tok") || strings.Contains(row.Key, "ann") {
			t.Errorf("the row is %+v", row)
		}
	}
	read := kept.reads
	for call, want := range map[string]string{
		"GET":  `GET as "tok" /1.1/me?q=a+b&tenant=a%20b`,
		"POST": `POST as "tok" /1.1/me?tenant=a%20b`,
		"HTTP": `GET as "tok" /1.1/raw?tenant=a%20b`,
	} {
		var got string
		switch call {
		case "GET":
			resp, err := api.Get(ctx, "me", url.Values{"q": {"a b"}})
			if err != nil {
				t.Fatal(err)
			}
			got = string(resp.Raw)
		case "POST":
			resp, err := api.Post(ctx, "me", url.Values{"text": {"ä & b"}})
			if err != nil {
				t.Fatal(err)
			}
			got = string(resp.Raw)
		case "HTTP":
			_, got = send(t, api.HTTP(), "GET", server.URL+"/1.1/raw", "", "")
		}
		if got != want {
			t.Errorf("%s: %s, want %s", call, got, want)
		}
	}
	if kept.reads != read+1 {
		t.Errorf("the store was read %d times, want once", kept.reads-read)
	}
	if _, err := api.Get(ctx, other.URL, nil); !errors.Is(err, client.WrongHost) {
		t.Errorf("a call to another host: error = %v, want WrongHost", err)
	}
	if resp, err := api.Get(ctx, server.URL+"/away", url.Values{"to": {other.URL}}); err != nil || string(resp.Raw) != "elsewhere" || strayed.Load() != 0 {
		t.Errorf("a redirect to another host: %v %v, signed %d times", resp, err, strayed.Load())
	}

	// Another sign-in takes the place of the first, at once, and Disconnect ends it.
	if err := l.app.KeepOAuth1(ctx, "ann@here", &client.OAuth1Token{Token: "tok2", Secret: "s2", Extra: map[string]string{"user_id": "8"}}); err != nil {
		t.Fatal(err)
	}
	if resp, err := api.Get(ctx, "me", nil); err != nil || !strings.HasPrefix(string(resp.Raw), `GET as "tok2"`) {
		t.Errorf("after another Keep: %v %v", resp, err)
	}
	if err := l.app.Disconnect(ctx, "ann@here"); err != nil {
		t.Fatal(err)
	}
	if _, err := api.Get(ctx, "me", nil); !errors.Is(err, client.NoToken) {
		t.Errorf("after Disconnect: error = %v, want NoToken", err)
	}

	// Credentials at hand, and the client for itself.
	if resp, err := l.app.APIWithOAuth1(in.OAuth1).Get(ctx, "me", nil); err != nil || !strings.HasPrefix(string(resp.Raw), `GET as "tok"`) {
		t.Errorf("with the sign-in's credentials: %v %v", resp, err)
	}
	if resp, err := l.app.APIWithOAuth1(nil).Get(ctx, "me", nil); err != nil || !strings.HasPrefix(string(resp.Raw), `GET as ""`) {
		t.Errorf("for the client alone: %v %v", resp, err)
	}
}

func TestOAuth1AndOAuth2TokensDoNotMix(t *testing.T) {
	t.Parallel()
	kept, secret := &rows{}, mandate.NewRandomSecret()
	registry := func(app client.App) *client.Registry {
		return newRegistry(t, client.Config{Tokens: kept, Secret: secret, Apps: []client.App{app}})
	}
	old, modern := photosApp(), plain("photos")
	old.APIURL, modern.APIURL = "https://photos.example.com", "https://photos.example.com"
	first, second := registry(old), registry(modern)
	ctx, tok := t.Context(), &client.OAuth1Token{Token: "tok", Secret: "s", Extra: map[string]string{"user_id": "7"}}
	bearer := &oauth2.Token{AccessToken: "at"}
	if err := first.App("photos").KeepOAuth1(ctx, "ann", tok); err != nil {
		t.Fatal(err)
	}
	if got, err := second.Tokens().StoredOAuth1(ctx, "photos", "ann"); err != nil || got.Token != "tok" || got.Secret != "s" || got.Extra["user_id"] != "7" {
		t.Errorf("StoredOAuth1 = %v, %v", got, err)
	}
	_, stored := first.Tokens().Stored(ctx, "photos", "ann")
	_, source := second.App("photos").Source("ann").TokenContext(ctx)
	if err := second.App("photos").Keep(ctx, "bob", bearer); err != nil {
		t.Fatal(err)
	}
	_, stored1 := first.Tokens().StoredOAuth1(ctx, "photos", "bob")
	_, api := first.App("photos").API("bob").Get(ctx, "me", nil)
	for name, err := range map[string]error{"Stored": stored, "Source": source, "StoredOAuth1": stored1, "API": api} {
		if !errors.Is(err, client.NoToken) {
			t.Errorf("%s: error = %v, want NoToken", name, err)
		}
	}
	if _, err := first.Tokens().StoredOAuth1(ctx, "photos", "ann"); err != nil {
		t.Errorf("a look at them as a token of OAuth 2 took the credentials away: %v", err)
	}
	_, sent := first.App("photos").APIWith(static()).Get(ctx, "me", nil)
	_, signed := second.App("photos").APIWithOAuth1(tok).Get(ctx, "me", nil)
	_, renewed := first.App("photos").Source("ann").TokenContext(ctx)
	for name, err := range map[string]error{
		"APIWith": sent, "APIWithOAuth1": signed, "Source": renewed, "Keep": first.App("photos").Keep(ctx, "ann", bearer),
		"KeepOAuth1": second.App("photos").KeepOAuth1(ctx, "ann", tok), "KeepOAuth1 of nothing": first.App("photos").KeepOAuth1(ctx, "ann", nil),
		"KeepOAuth1 of no app": (*client.Remote)(nil).KeepOAuth1(ctx, "ann", tok),
	} {
		if !errors.Is(err, client.Fault) {
			t.Errorf("%s: error = %v, want Fault", name, err)
		}
	}
}

// TestCredentialsOfANameThatIsWrittenOver has the name of an account in a buffer that is used again, as Fiber's are.
func TestCredentialsOfANameThatIsWrittenOver(t *testing.T) {
	t.Parallel()
	o := photosApp()
	o.APIURL = signedAPI(t).URL
	l, err := beginOld(t, &photos{}, o, client.Begin{}, func(c *client.Config) { c.Tokens = &rows{} })
	if err != nil {
		t.Fatal(err)
	}
	for name, tok := range map[string]client.OAuth1Token{"ada": {Token: "tok", Secret: "tok secret"}, "eve": {Token: "tok2", Secret: "s2"}} {
		if err := l.app.KeepOAuth1(t.Context(), name, &tok); err != nil {
			t.Fatal(err)
		}
	}
	buffer := []byte("ada")
	api := l.app.API(unsafe.String(unsafe.SliceData(buffer), len(buffer))) // #nosec G103 -- as Fiber does
	copy(buffer, "eve")
	res, err := api.Get(t.Context(), "me", nil)
	if err != nil || !strings.Contains(string(res.Raw), `as "tok"`) {
		t.Errorf("%+v, %v, want a call as ada", res, err)
	}
}
