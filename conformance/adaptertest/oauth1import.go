package adaptertest

import (
	"errors"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// oauth1Imports are the cases of token credentials that another provider made.
func oauth1Imports() cases {
	old := credentials1{"old-token-of-30-characters-012", "old-secret-of-30-characters-01"}
	row := func(c credentials1) server.ImportedOAuth1Token {
		return server.ImportedOAuth1Token{Token: c.Token, Secret: c.Secret, ClientID: "plain", Subject: "bob", Realms: "read"}
	}
	return cases{
		"imported credentials sign like those of this server, until somebody takes them back": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader).holding(old)
			side.call(oauth1.Outgoing{Method: "GET", URL: "/old/read"}).challenged(t, 401, "signature_invalid")
			for range 2 { // an import may be repeated
				if err := w.srv.ImportOAuth1Token(t.Context(), row(old)); err != nil {
					t.Fatal(err)
				}
				m := side.call(oauth1.Outgoing{Method: "GET", URL: "/old/read"}).status(t, 200).json(t)
				if m["sub"] != "bob" || m["client"] != "plain" || m["scope"] != "read" {
					t.Errorf("the API sees %v", m)
				}
			}
			side.call(oauth1.Outgoing{Method: "GET", URL: "/old/both"}).status(t, 403)
			w.as("other", oauth1.HMACSHA1, oauth1.InHeader).holding(old).call(oauth1.Outgoing{Method: "GET", URL: "/old/read"}).status(t, 401)
			side.holding(credentials1{old.Token, "another-secret-of-30-characters"}).call(oauth1.Outgoing{Method: "GET", URL: "/old/read"}).challenged(t, 401, "signature_invalid")
			if _, err := w.srv.RevokeGrants(t.Context(), store.GrantQuery{Subject: "bob"}, store.BySubject); err != nil {
				t.Fatal(err)
			}
			if err := w.srv.ImportOAuth1Token(t.Context(), row(old)); err != nil {
				t.Fatal(err)
			}
			side.call(oauth1.Outgoing{Method: "GET", URL: "/old/read"}).challenged(t, 401, "token_revoked")
		},
		"what nobody could use is refused, by name": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			for want, change := range map[string]func(i *server.ImportedOAuth1Token){
				"Token has 5 bytes":     func(i *server.ImportedOAuth1Token) { i.Token = "short" },
				"Secret has 0 bytes":    func(i *server.ImportedOAuth1Token) { i.Secret = "" },
				"Secret has 23 bytes":   func(i *server.ImportedOAuth1Token) { i.Secret = "a line break\nin between" },
				"is no user":            func(i *server.ImportedOAuth1Token) { i.Subject = "" },
				`Subject "plain"`:       func(i *server.ImportedOAuth1Token) { i.Subject = "plain" },
				`ClientID "nobody"`:     func(i *server.ImportedOAuth1Token) { i.ClientID = "nobody" },
				`client "modern"`:       func(i *server.ImportedOAuth1Token) { i.ClientID = "modern" },
				"not among Config.Scop": func(i *server.ImportedOAuth1Token) { i.Realms = "read everything" },
				"parted by spaces":      func(i *server.ImportedOAuth1Token) { i.Realms = "re\"ad" },
			} {
				i := row(old)
				change(&i)
				if err := w.srv.ImportOAuth1Token(t.Context(), i); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), old.Secret) {
					t.Errorf("error = %v, want one about %q", err, want)
				}
			}
			i := row(old)
			i.ClientID = "nobody"
			if err := w.srv.ImportOAuth1Token(t.Context(), i); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("error = %v, want ErrNotFound", err)
			}
			if err := w.srv.ImportOAuth1Token(t.Context(), row(old)); err != nil {
				t.Fatal(err)
			}
			i = row(old)
			i.Subject = "eve"
			if err := w.srv.ImportOAuth1Token(t.Context(), i); !errors.Is(err, store.ErrExists) {
				t.Errorf("error = %v, want ErrExists", err)
			}
			plain := newWorld(t, a, nil)
			if err := plain.srv.ImportOAuth1Token(t.Context(), row(old)); err == nil || !strings.Contains(err.Error(), "Config.OAuth1 is nil") {
				t.Errorf("without OAuth 1.0a: error = %v", err)
			}
		},
		"the store holds neither the token nor its secret": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			if err := w.srv.ImportOAuth1Token(t.Context(), row(old)); err != nil {
				t.Fatal(err)
			}
			list, err := w.store.FindGrants(t.Context(), store.GrantQuery{Subject: "bob"}, store.Page{})
			if err != nil || len(list) != 1 {
				t.Fatalf("FindGrants = %v, %v", list, err)
			}
			g := list[0]
			if all := g.ID + string(g.Key[:]) + g.Details.Sealed; strings.Contains(all, old.Token) || strings.Contains(all, old.Secret) || g.Key == mandate.DigestOf(old.Token) {
				t.Errorf("the grant is %+v", g)
			}
		},
	}
}
