package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

const remoteAPI = "https://orders.example.com"

// served puts s, whose URL is not known before, on a framework.
func served(t *testing.T, framework string, s func(base string) *site) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	w := newWeb(framework, patience, nil)
	if err := w.put(s(base)); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- w.serve(l) }()
	t.Cleanup(func() {
		if err := w.shutdown(context.WithoutCancel(t.Context())); err != nil { // t.Context is over by now
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return base
}

// remoteIssuer is an authorization server on a framework.
type remoteIssuer struct {
	*server.Server

	clock  clock
	base   string
	client *http.Client
}

func newRemoteIssuer(t *testing.T, framework string) *remoteIssuer {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	as := &remoteIssuer{client: &http.Client{Transport: transport, Timeout: patience}}
	machine := func(id, format string) *store.Client {
		return &store.Client{
			ID: id, Secrets: []store.Secret{server.HashSecret("secret")}, Policy: store.Policy{TokenFormat: format, Serves: remoteAPI},
			Metadata: oauth2.ClientMetadata{GrantTypes: []string{"client_credentials"}, Scope: "orders other"},
		}
	}
	as.base = served(t, framework, func(base string) *site {
		srv, err := server.New(server.Config{
			Issuer: base, Store: memstore.New(), GrantTypes: []server.GrantType{server.ClientCredentials()}, Now: as.clock.now, JWTTTL: time.Hour,
			Scopes: []server.Scope{{Name: "orders"}, {Name: "other"}}, DefaultAudience: []string{remoteAPI}, Resources: []string{remoteAPI, "https://elsewhere.example.com"},
			Clients: []*store.Client{machine("jwt", string(server.JWT)), machine("opaque", string(server.Opaque)), machine("api", "")},
		})
		if err != nil {
			t.Fatal(err)
		}
		as.Server = srv
		return &site{server: srv, fault: mandate.Endpoint{Path: "/fault", Methods: []string{"GET"}}}
	})
	t.Cleanup(transport.CloseIdleConnections)
	return as
}

// token returns a new token of client.
func (as *remoteIssuer) token(client, scope, audience string) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}, "resource": {audience}}
	req, err := http.NewRequest(http.MethodPost, as.base+"/token", strings.NewReader(form.Encode())) //nolint:noctx // the client has a timeout
	if err != nil {
		return "", err
	}
	req.SetBasicAuth(client, "secret")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := as.client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Token string `json:"access_token"`
	}
	return answer.Token, json.NewDecoder(resp.Body).Decode(&answer)
}

// newRemoteAPI returns the URL of an API behind v on a framework.
func newRemoteAPI(t *testing.T, framework string, v resource.Verifier, now func() time.Time) string {
	t.Helper()
	return served(t, framework, func(base string) *site {
		guard, err := resource.New(resource.Config{Audience: remoteAPI, Verifiers: []resource.Verifier{v}, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		own, err := server.New(server.Config{Issuer: base, Prefix: "/own", Store: memstore.New(), GrantTypes: []server.GrantType{server.ClientCredentials()}})
		if err != nil {
			t.Fatal(err)
		}
		return &site{server: own, fault: mandate.Endpoint{Path: "/fault", Methods: []string{"GET"}}, resources: []guarded{{guard: guard, scopes: []string{"orders"}, endpoint: orders}}}
	}) + "/orders"
}

// call returns the status and the challenge of a request with raw.
func (as *remoteIssuer) call(api, raw string) (int, string, error) {
	req, err := http.NewRequest(http.MethodGet, api, nil) //nolint:noctx // the client has a timeout
	if err != nil {
		return 0, "", err
	}
	if raw != "" {
		req.Header.Set("Authorization", "Bearer "+raw)
	}
	resp, err := as.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header.Get("WWW-Authenticate"), err
}

// TestRemoteIssuers has an API on each framework trust a server on another, by its keys and by asking it.
func TestRemoteIssuers(t *testing.T) {
	t.Parallel()
	for api, issuer := range map[string]string{"gin": "echo", "fiber": "gin", "nethttp": "fiber", "echo": "nethttp"} {
		t.Run(api+" from "+issuer, func(t *testing.T) {
			t.Parallel()
			as := newRemoteIssuer(t, issuer)
			keys, err := resource.NewRemoteKeys(resource.RemoteConfig{Issuer: as.base, Now: as.clock.now})
			if err != nil {
				t.Fatal(err)
			}
			byKeys := newRemoteAPI(t, api, resource.JWT{Issuer: as.base, Keys: keys}, as.clock.now)
			byAsking := newRemoteAPI(t, api, resource.Introspection{Issuer: as.base, ClientID: "api", Secret: "secret"}, as.clock.now)
			for name, tc := range map[string]struct {
				client, scope, audience string
				status                  [2]int // by keys, by asking
				challenge               string
			}{
				"a JWT":                 {"jwt", "orders", remoteAPI, [2]int{200, 200}, ""},
				"an opaque token":       {"opaque", "orders", remoteAPI, [2]int{401, 200}, "invalid_token"},
				"another scope":         {"jwt", "other", remoteAPI, [2]int{403, 403}, "insufficient_scope"},
				"for another API":       {"jwt", "orders", "https://elsewhere.example.com", [2]int{401, 401}, "invalid_token"},
				"opaque, for another":   {"opaque", "orders", "https://elsewhere.example.com", [2]int{401, 401}, "invalid_token"},
				"of the API for itself": {"api", "orders", remoteAPI, [2]int{401, 200}, "invalid_token"},
				"opaque, another scope": {"opaque", "other", remoteAPI, [2]int{401, 403}, ""},
				"a token of nobody's":   {"", "orders", remoteAPI, [2]int{401, 401}, "invalid_token"},
			} {
				raw := "nonsense"
				if tc.client != "" {
					if raw, err = as.token(tc.client, tc.scope, tc.audience); err != nil || raw == "" {
						t.Fatalf("%s: token %q, %v", name, raw, err)
					}
				}
				for i, at := range []string{byKeys, byAsking} {
					for range 2 { // the second time from memory
						got, challenge, err := as.call(at, raw)
						if err != nil || got != tc.status[i] || got != 200 && !strings.Contains(challenge, tc.challenge) {
							t.Errorf("%s, way %d: %d %q, %v; want %d %s", name, i, got, challenge, err, tc.status[i], tc.challenge)
						}
					}
				}
			}
			if got, _, err := as.call(byKeys, ""); err != nil || got != 401 {
				t.Errorf("without a token: %d, %v, want 401", got, err)
			}
		})
	}
}

// TestRemoteRotation rotates the signing keys again and again while an API on another framework is busy with new tokens: no request
// fails, none in time of the overlap and none after it.
func TestRemoteRotation(t *testing.T) {
	t.Parallel()
	for api, issuer := range map[string]string{"gin": "echo", "fiber": "gin", "nethttp": "fiber", "echo": "nethttp"} {
		t.Run(api+" from "+issuer, func(t *testing.T) {
			t.Parallel()
			as := newRemoteIssuer(t, issuer)
			keys, err := resource.NewRemoteKeys(resource.RemoteConfig{Issuer: as.base, Now: as.clock.now})
			if err != nil {
				t.Fatal(err)
			}
			at := newRemoteAPI(t, api, resource.JWT{Issuer: as.base, Keys: keys}, as.clock.now)
			var calls, kids sync.Map
			var passed atomic.Int64
			stop := make(chan struct{})
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						raw, err := as.token("jwt", "orders", remoteAPI)
						if err != nil {
							calls.Store(err.Error(), true)
							return
						}
						head, _, _ := strings.Cut(raw, ".")
						kids.Store(head, true)
						if got, challenge, err := as.call(at, raw); got != 200 || err != nil {
							calls.Store(challenge, got)
						}
						passed.Add(1)
					}
				})
			}
			const rotations = 5
			for range rotations {
				if err := as.RotateKeys(t.Context()); err != nil {
					t.Error(err)
				}
				for range 12 { // a minute each: the new key signs after ten
					as.clock.offset.Add(60)
					until(t, "requests", passedMore(&passed, 8))
				}
			}
			close(stop)
			wg.Wait()
			calls.Range(func(challenge, got any) bool {
				t.Errorf("a request failed: %v %v", got, challenge)
				return true
			})
			n := 0
			kids.Range(func(any, any) bool { n++; return true })
			if n != rotations+1 {
				t.Errorf("%d keys signed, want %d", n, rotations+1)
			}
		})
	}
}

// passedMore reports whether n more have passed since it was made.
func passedMore(passed *atomic.Int64, n int64) func() bool {
	before := passed.Load()
	return func() bool { return passed.Load() >= before+n }
}

var orders = mandate.Endpoint{
	Name: "orders", Path: "/orders", Methods: []string{"GET"},
	Handle: func(context.Context, *mandate.Request) *mandate.Response {
		return &mandate.Response{Status: 200, Header: mandate.Fields{{Name: "Content-Type", Value: jsonType}}, Body: []byte(`{}`)}
	},
}
