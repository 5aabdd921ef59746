package providers_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/fetch"
	wire "github.com/go-mandate/mandate/core/oauth2"
)

// world is all providers at once: a server on loopback that gives the answers of a scenario, one after the other, whatever it is asked.
type world struct {
	server  *httptest.Server
	fetcher *fetch.Fetcher
	fill    func(w *world, answer string) string

	mu       sync.Mutex // guards what follows
	answers  []string
	requests []string
	login    map[string]string // what the placeholders stand for
}

func newWorld(tb testing.TB, answers []string, fill func(*world, string) string) *world {
	tb.Helper()
	w := &world{answers: answers, login: map[string]string{}, fill: fill}
	w.server = httptest.NewServer(http.HandlerFunc(w.serve))
	tb.Cleanup(w.server.Close)
	f, err := fetch.New(fetch.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(f.Close)
	w.fetcher = f
	return w
}

var _ mandate.Fetcher = (*world)(nil)

// Fetch sends a request for any https host to the server on loopback.
func (w *world) Fetch(ctx context.Context, r *mandate.FetchRequest) (*mandate.Response, error) {
	u, err := url.Parse(r.URL)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "https" || r.Trust != mandate.Operator {
		return nil, fmt.Errorf("%s is fetched with trust %v", r.URL, r.Trust)
	}
	c := *r
	c.Header = append(slices.Clone(r.Header), mandate.Field{Name: "Test-Origin", Value: "https://" + u.Host})
	c.URL = w.server.URL + u.RequestURI()
	return w.fetcher.Fetch(ctx, &c)
}

func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	seen := w.show(r)
	w.mu.Lock()
	w.requests = append(w.requests, seen)
	n := len(w.requests) - 1
	answer := "500\nContent-Type: text/plain\n\nthe scenario has no answer to this"
	if n < len(w.answers) {
		answer = w.answers[n]
	}
	for name, value := range w.login {
		if value != "" {
			answer = strings.ReplaceAll(answer, "{"+name+"}", value)
		}
	}
	w.mu.Unlock()
	if w.fill != nil {
		answer = w.fill(w, answer)
	}
	head, body, _ := strings.Cut(answer, "\n\n")
	status, fields, _ := strings.Cut(head, "\n")
	for line := range strings.Lines(fields) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		rw.Header().Add(name, value)
	}
	code, err := strconv.Atoi(strings.TrimSpace(status))
	if err != nil {
		code = http.StatusInternalServerError
	}
	rw.WriteHeader(code)
	_, _ = io.WriteString(rw, strings.TrimSuffix(body, "\n"))
}

// fresh is what is another in each request of OAuth 1.0a.
var fresh = regexp.MustCompile(`(oauth_nonce|oauth_signature)="[^"]+"`)

// show returns a request as scenarios have it.
func (w *world) show(r *http.Request) string {
	var b strings.Builder
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(&b, "%s %s%s\n", r.Method, r.Header.Get("Test-Origin"), r.URL.EscapedPath())
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		value := strings.Join(r.Header[name], ", ")
		switch name {
		case "Test-Origin", "Content-Length", "Accept-Encoding":
			continue
		case "User-Agent":
			if value == "mandate" { // the fetcher's own
				continue
			}
		case "Authorization":
			if pair, ok := strings.CutPrefix(value, "Basic "); ok {
				plain, _ := base64.StdEncoding.DecodeString(pair)
				value = "Basic base64(" + string(plain) + ")"
			}
			value = fresh.ReplaceAllString(value, `$1="{$1}"`)
		}
		fmt.Fprintf(&b, "%s: %s\n", name, value)
	}
	b.WriteByte('\n')
	if r.URL.RawQuery != "" {
		b.WriteString(parameters(r.URL.Query()))
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			b.WriteString(err.Error())
		}
		b.WriteString(parameters(form))
	} else if len(body) > 0 {
		b.Write(body)
		b.WriteByte('\n')
	}
	return w.mask(b.String())
}

// mask puts placeholders for what differs with each login.
func (w *world) mask(s string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, mark := range []string{"code_verifier=", `"code_verifier":"`} {
		if _, rest, ok := strings.Cut(s, mark); ok && len(rest) >= 43 && wire.Challenge(rest[:43]) == w.login["challenge"] {
			w.login["verifier"] = rest[:43]
		}
	}
	for name, value := range w.login {
		if value != "" {
			s = strings.ReplaceAll(s, value, "{"+name+"}")
		}
	}
	return s
}

// parameters returns a line for each.
func parameters(values url.Values) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, value := range values[name] {
			b.WriteString(name + "=" + value + "\n")
		}
	}
	return b.String()
}

var (
	now   = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	creds = client.Credentials{ID: "us", Secret: "s3cret/+%"}
)

// run signs in at app, as far as it goes.
func run(tb testing.TB, w *world, app client.App, callback string) (authorize string, in *client.SignIn, err error) {
	tb.Helper()
	reg, err := client.NewRegistry(client.Config{
		BaseURL: "https://app.example.com", Secret: mandate.NewRandomSecret(), Apps: []client.App{app}, Fetcher: w, Now: func() time.Time { return now },
	})
	if err != nil {
		tb.Fatal(err)
	}
	remote := reg.App(app.AppName())
	page := "/auth/" + app.AppName()
	resp, err := remote.Begin(tb.Context(), &mandate.Request{Method: "GET", Path: page + "/login", Header: http.Header{}}, client.Begin{ReturnTo: "/cart"})
	if err != nil {
		return "", nil, err
	}
	u, err := url.Parse(resp.Header.Get("Location"))
	if err != nil {
		tb.Fatal(err)
	}
	query := u.Query()
	w.mu.Lock()
	w.login = map[string]string{"state": query.Get("state"), "nonce": query.Get("nonce"), "challenge": query.Get("code_challenge")}
	w.mu.Unlock()
	authorize = w.mask(u.Scheme + "://" + u.Host + u.EscapedPath() + "\n" + parameters(query))

	answer := url.Values{}
	cookie, _, _ := strings.Cut(resp.Header.Get("Set-Cookie"), ";")
	header := http.Header{"Cookie": {cookie}}
	req := &mandate.Request{Method: "GET", Path: page + "/callback", Header: header}
	for line := range strings.Lines(callback) {
		switch name, value, ok := strings.Cut(strings.TrimSpace(line), "="); {
		case ok:
			answer.Set(name, value)
		case name == "POST":
			req.Method = name
		}
	}
	if !answer.Has("state") {
		answer.Set("state", query.Get("state"))
	}
	if req.Method == http.MethodPost {
		header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Body = answer.Encode()
	} else {
		req.RawQuery = answer.Encode()
	}
	in, _, err = remote.Finish(tb.Context(), req)
	return authorize, in, err
}

// then refreshes or revokes the token of a sign-in, as the lines of a scenario say, and returns what came of it.
func then(tb testing.TB, in *client.SignIn, steps string) string {
	tb.Helper()
	if in == nil {
		return ""
	}
	var b strings.Builder
	for step := range strings.FieldsSeq(steps) {
		var err error
		tok := in.Token
		switch step {
		case "refresh":
			tok, err = in.Remote().Requester().Refresh(tb.Context(), tok.RefreshToken, client.Want{})
		case "revoke":
			err = in.Remote().Requester().Revoke(tb.Context(), tok)
		default:
			tb.Fatalf("a scenario goes on with %q", step)
		}
		switch {
		case err != nil:
			fmt.Fprintf(&b, "%s: %v\n", step, err)
		case step == "refresh" && tok.Expiry.IsZero():
			fmt.Fprintf(&b, "refresh: token %s, refresh token %s, does not expire\n", tok.AccessToken, tok.RefreshToken)
		case step == "refresh":
			fmt.Fprintf(&b, "refresh: token %s, refresh token %s, lives %v\n", tok.AccessToken, tok.RefreshToken, tok.Expiry.Sub(now))
		default:
			fmt.Fprintf(&b, "%s: done\n", step)
		}
	}
	return b.String()
}

// outcome returns how a login ended, as scenarios have it.
func outcome(tb testing.TB, in *client.SignIn, err error) string {
	tb.Helper()
	if err != nil {
		e, ok := errors.AsType[*client.Error](err)
		if !ok {
			tb.Fatalf("the error %v is no *client.Error", err)
		}
		for _, secret := range []string{creds.Secret, url.QueryEscape(creds.Secret), "an-access-token", "a-refresh-token", "the-code"} {
			if strings.Contains(err.Error(), secret) {
				tb.Errorf("the error shows %q: %v", secret, err)
			}
		}
		return fmt.Sprintf("error for status %d: %v", e.HTTPStatus(), err)
	}
	p := in.Profile
	if in.ReturnTo != "/cart" || len(p.Raw) == 0 {
		tb.Errorf("the sign-in goes to %q, and its Raw is %v", in.ReturnTo, p.Raw)
	}
	shown := struct {
		Subject, Name, Username, Email string
		EmailVerified                  bool
		Picture, Locale                string
		Scopes, Missing                []string
		Token, Type, Refresh, Lives    string
	}{
		p.Subject, p.Name, p.Username, p.Email, p.EmailVerified, p.Picture, p.Locale, in.Scopes, in.Missing, "", "", "", "",
	}
	if in.OAuth1 != nil {
		shown.Token, shown.Type = in.OAuth1.Token, "OAuth 1.0a"
	} else {
		shown.Token, shown.Type, shown.Refresh = in.Token.AccessToken, in.Token.Type(), in.Token.RefreshToken
	}
	if in.Token != nil && !in.Token.Expiry.IsZero() {
		shown.Lives = in.Token.Expiry.Sub(now).String()
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(shown); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}
