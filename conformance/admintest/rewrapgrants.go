package admintest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// oldWorld is a server of OAuth 1.0a, and its consumer.
type oldWorld struct {
	srv     *server.Server
	handler http.Handler
	signer  *oauth1.Signer
}

func newOldWorld(t *testing.T, st store.Store, secret mandate.Secret) *oldWorld {
	t.Helper()
	srv, err := server.New(server.Config{
		Issuer: issuer, Store: st, Secret: secret, OAuth1: &server.OAuth1{},
		Clients: []*store.Client{{ID: "consumer", Secrets: []store.Secret{server.ClearSecret("consumer-secret")}, Metadata: oauth2.ClientMetadata{
			GrantTypes: []string{server.GrantTypeOAuth1}, RedirectURIs: []string{"https://consumer.example.com/cb"},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	err = nethttp.Mount(mux, srv, nethttp.MountConfig{Decide: func(http.ResponseWriter, *http.Request, *server.Ask) (server.Answer, error) {
		return server.Approve(server.User{Subject: "ada"}), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := oauth1.NewSigner(oauth1.SignerConfig{ConsumerKey: "consumer", Keys: oauth1.Keys{ClientSecret: "consumer-secret"}})
	if err != nil {
		t.Fatal(err)
	}
	return &oldWorld{srv, mux, signer}
}

// ask asks one of the two endpoints for credentials.
func (w *oldWorld) ask(t *testing.T, signer *oauth1.Signer, out oauth1.Outgoing) oauth1.Issued {
	t.Helper()
	out.Method, out.URL = http.MethodPost, issuer+out.URL
	signed, err := signer.Sign(out)
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, out.URL, http.NoBody)
	req.Header.Set("Authorization", signed.Authorization)
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, req)
	issued, err := oauth1.ParseIssued(rec.Code, rec.Body.String())
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

// credentials is the whole way to token credentials.
func (w *oldWorld) credentials(t *testing.T) oauth1.Issued {
	t.Helper()
	temporary := w.ask(t, w.signer, oauth1.Outgoing{URL: "/oauth1/request_token", Callback: "https://consumer.example.com/cb"})
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, issuer+"/oauth1/authorize?oauth_token="+url.QueryEscape(temporary.Token), http.NoBody))
	back, err := url.Parse(rec.Header().Get("Location"))
	if err != nil || back.Query().Get("oauth_verifier") == "" {
		t.Fatalf("the approval answers %d %s: %v", rec.Code, rec.Header().Get("Location"), err)
	}
	return w.ask(t, w.signer.With(temporary.Token, temporary.Secret), oauth1.Outgoing{URL: "/oauth1/access_token", Verifier: back.Query().Get("oauth_verifier")})
}

// verify returns what a guard would say to a request that is signed with c.
func (w *oldWorld) verify(t *testing.T, c oauth1.Issued) error {
	t.Helper()
	signed, err := w.signer.With(c.Token, c.Secret).Sign(oauth1.Outgoing{Method: http.MethodGet, URL: issuer + "/photos"})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := w.srv.VerifySigned(t.Context(), &mandate.Request{Method: http.MethodGet, Path: "/photos", Header: http.Header{"Authorization": {signed.Authorization}}}, issuer, now())
	if err == nil && tok.Subject() != "ada" {
		t.Errorf("the token is of %q", tok.Subject())
	}
	return err
}

// grants returns the grants of the consumer, by ID.
func (w *oldWorld) grants(t *testing.T, st store.Store) map[string]store.Grant {
	t.Helper()
	list, err := st.FindGrants(t.Context(), store.GrantQuery{ClientID: "consumer"}, store.Page{})
	if err != nil {
		t.Fatal(err)
	}
	grants := map[string]store.Grant{}
	for _, g := range list {
		grants[g.ID] = g
	}
	return grants
}

// rewrapGrants: token credentials of OAuth 1.0a outlive the root that they were made under.
func rewrapGrants(t *testing.T, st store.Store) {
	before := newOldWorld(t, st, roots(t, "o"))
	over := before.credentials(t)
	for id := range before.grants(t, st) {
		if err := st.RevokeGrant(t.Context(), id, store.ByAdmin, now()); err != nil {
			t.Fatal(err)
		}
	}
	revoked := before.grants(t, st)
	made := []oauth1.Issued{before.credentials(t), before.credentials(t), before.credentials(t)}
	both := newOldWorld(t, st, roots(t, "n", "o"))
	made = append(made, both.credentials(t)) // under the new root: nothing to rewrite
	was := both.grants(t, st)
	done, err := both.srv.Rewrap(t.Context())
	if want := (server.Rewrapped{Grants: 3}); err != nil || done != want {
		t.Fatalf("Rewrap = %+v, %v, want %+v", done, err, want)
	}
	if done, err := both.srv.Rewrap(t.Context()); err != nil || done != (server.Rewrapped{}) {
		t.Errorf("Rewrap again = %+v, %v, want nothing to do", done, err)
	}
	for id, g := range both.grants(t, st) {
		if _, ok := revoked[id]; ok && g.Details.Sealed != revoked[id].Details.Sealed {
			t.Error("what is revoked was sealed anew")
		}
		if g.Details.Sealed = was[id].Details.Sealed; g != was[id] {
			t.Errorf("the grant is %+v, want %+v", g, was[id])
		}
	}
	after := newOldWorld(t, st, roots(t, "n"))
	for i, c := range made {
		if err := after.verify(t, c); err != nil {
			t.Errorf("credentials %d under the new root alone: %v", i, err)
		}
	}
	if err := both.verify(t, over); !errors.Is(err, oauth1.TokenRevoked) {
		t.Errorf("revoked credentials: error = %v, want token_revoked", err)
	}

	// What cannot be opened is named, and the rest is rewritten.
	third := newOldWorld(t, st, roots(t, "x", "n"))
	lost := newOldWorld(t, st, roots(t, "z")).credentials(t)
	done, err = third.srv.Rewrap(t.Context())
	wantError(t, err, mandate.ErrSealed, "Revoke the grant otherwise")
	if want := (server.Rewrapped{Grants: 4}); done != want {
		t.Errorf("Rewrap = %+v, want %+v", done, want)
	}
	if err := third.verify(t, lost); err == nil {
		t.Error("what cannot be opened verifies")
	}
}
