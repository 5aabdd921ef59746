package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/oauth1"
)

const form = "application/x-www-form-urlencoded"

func keys() oauth1.Keys { return oauth1.Keys{ClientSecret: "cs", TokenSecret: "ts"} }

// signer returns a signer for a token.
func signer(t *testing.T, c oauth1.SignerConfig) *oauth1.Signer {
	t.Helper()
	c.ConsumerKey, c.Token, c.Keys = "consumer", "token", keys()
	s, err := oauth1.NewSigner(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// api answers with the body that it got, or with 401 and why the signature is refused.
func api(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		m, err := oauth1.Parse(&mandate.Request{Method: r.Method, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery, Header: r.Header, Body: string(body)}, "http://"+r.Host)
		if err == nil {
			k := keys()
			err = m.Verify(oauth1.HMACSHA1, &k)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		_, _ = w.Write(body)
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusTemporaryRedirect) // #nosec G710 -- where the test says
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// send sends a request, and returns status and body of the answer.
func send(t *testing.T, c *http.Client, method, target, kind, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if r.Header.Get("Authorization") != "" || r.URL.String() != target {
		t.Errorf("the caller's request was changed: %v %v", r.URL, r.Header)
	}
	return answer.StatusCode, string(text)
}

func TestOAuth1Transport(t *testing.T) {
	t.Parallel()
	server := api(t)
	for name, tc := range map[string]struct {
		c                        oauth1.SignerConfig
		method, path, kind, body string
	}{
		"no body":                       {method: "GET", path: "/photos?b=2&a=1+2&a"},
		"encoded path":                  {method: "GET", path: "/r%20v/%E2%98%83?q=%2B"},
		"form":                          {method: "POST", path: "/", kind: form, body: "a=1&b=+"},
		"form, in the body":             {c: oauth1.SignerConfig{Placement: oauth1.InBody}, method: "POST", path: "/?q", kind: form, body: "a=1&b=+"},
		"nothing but the parameters":    {c: oauth1.SignerConfig{Placement: oauth1.InBody}, method: "POST", path: "/"},
		"in the query":                  {c: oauth1.SignerConfig{Placement: oauth1.InQuery}, method: "PUT", path: "/?q=1", kind: "text/plain", body: "hello"},
		"JSON, unsigned":                {method: "POST", path: "/", kind: "application/json", body: `{"a":1}`},
		"JSON with oauth_body_hash":     {c: oauth1.SignerConfig{BodyHash: true, Realm: `a "b"`}, method: "POST", path: "/", kind: "application/json", body: `{"a":1}`},
		"redirect to the same server":   {method: "POST", path: "/moved?to=/photos%3Fa%3D1", kind: form, body: "a=1"},
		"redirect, signed in the query": {c: oauth1.SignerConfig{Placement: oauth1.InQuery}, method: "GET", path: "/moved?to=/photos"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &http.Client{Transport: &client.OAuth1Transport{Signer: signer(t, tc.c)}}
			status, body := send(t, c, tc.method, server.URL+tc.path, tc.kind, tc.body)
			if status != http.StatusOK || !strings.HasPrefix(body, tc.body) {
				t.Errorf("status %d, body %q, want 200 and %q", status, body, tc.body)
			}
		})
	}
}

func TestOAuth1TransportSignsForOneServer(t *testing.T) {
	t.Parallel()
	from, to := api(t), api(t)
	c := &http.Client{Transport: &client.OAuth1Transport{Signer: signer(t, oauth1.SignerConfig{})}}
	status, body := send(t, c, "GET", from.URL+"/moved?to="+url.QueryEscape(to.URL+"/photos"), "", "")
	if status != http.StatusUnauthorized || !strings.Contains(body, oauth1.ErrNoCredentials.Error()) {
		t.Errorf("status %d, body %q: the redirect to another server was signed", status, body)
	}
	back := from.URL + "/moved?to=" + url.QueryEscape(to.URL+"/moved?to="+url.QueryEscape(from.URL+"/photos"))
	if status, body = send(t, c, "GET", back, "", ""); status != http.StatusUnauthorized || !strings.Contains(body, oauth1.ErrNoCredentials.Error()) {
		t.Errorf("status %d, body %q: another server chose what is signed", status, body)
	}
}

// broken is a body that fails.
type broken struct{ closed bool }

var errBroken = errors.New("broken")

func (b *broken) Read([]byte) (int, error) { return 0, errBroken }
func (b *broken) Close() error             { b.closed = true; return nil }

func TestOAuth1TransportRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		transport client.OAuth1Transport
		header    http.Header
		want      string
	}{
		"no signer":                        {want: "Signer is nil"},
		"other credentials in the request": {transport: client.OAuth1Transport{Signer: signer(t, oauth1.SignerConfig{})}, header: http.Header{"Authorization": {"Bearer x"}}, want: "Authorization header of its own"},
		"a body that cannot be read":       {transport: client.OAuth1Transport{Signer: signer(t, oauth1.SignerConfig{})}, header: http.Header{"Content-Type": {form}}, want: "read the body"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := &broken{}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:0/", body)
			if err != nil {
				t.Fatal(err)
			}
			r.Header = tc.header
			answer, err := tc.transport.RoundTrip(r)
			if err == nil {
				_ = answer.Body.Close()
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("RoundTrip() error = %v, want %q", err, tc.want)
			}
			if !body.closed {
				t.Error("the body is not closed")
			}
		})
	}
}
