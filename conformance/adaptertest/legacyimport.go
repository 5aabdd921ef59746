package adaptertest

import (
	"errors"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// legacyImports are the cases of the import itself, and of what is looked for.
func legacyImports() cases {
	return cases{
		"garbage costs one lookup, and none where it is no such token or nobody wants any": func(t *testing.T, a Adapter) {
			for _, on := range []bool{false, true} {
				var tickets *ticketStore
				w := newWorld(t, a, func(s *setup) {
					tickets = &ticketStore{Store: s.Store}
					s.Store, s.ImportedRefreshTokens = tickets, on
				})
				for token, looks := range map[string]int64{
					legacyToken:                      1,
					strings.Repeat("x", 4096):        1,
					"too-short":                      0,
					"mdr_" + strings.Repeat("A", 54): 0,
					"mdc_" + strings.Repeat("A", 54): 0,
					"mda_" + strings.Repeat("A", 43): 0,
				} {
					if !on {
						looks = 0
					}
					before := tickets.looks.Load()
					w.token(web(), refreshing(token)).refused(t, 400, "invalid_grant")
					if n := tickets.looks.Load() - before; n != looks {
						t.Errorf("on = %v: %.20s costs %d lookups, want %d", on, token, n, looks)
					}
				}
				w.token(web(), refreshing(strings.Repeat("x", 4097))).refused(t, 400, "invalid_request")
			}
		},
		"an import may be repeated, before its use and after": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, imports)
			one := imported(w, web())
			w.takeIn(one)
			w.takeIn(one)
			first := w.refresh(web(), legacyToken)
			w.takeIn(one)
			w.token(web(), refreshing(legacyToken)).refused(t, 400, "invalid_grant")
			w.dead(web(), first.Access, first.Refresh)
		},
		"an import that is repeated long after brings back nothing that was ended": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, imports)
			one := imported(w, web())
			one.Expires = time.Time{}
			w.takeIn(one)
			if ended, err := w.srv.RevokeGrants(t.Context(), store.GrantQuery{Subject: "alice"}, store.ByAdmin); err != nil || len(ended) != 1 {
				t.Fatalf("RevokeGrants = %v, %v, want one", ended, err)
			}
			w.clock.Pass(400 * 24 * time.Hour)
			if _, err := w.store.Prune(t.Context(), w.clock.Now(), 1000); err != nil {
				t.Fatal(err)
			}
			w.takeIn(one)
			w.token(web(), refreshing(legacyToken)).refused(t, 400, "invalid_grant")
		},
		"one issuer's import is nothing at another that has the same store": func(t *testing.T, a Adapter) {
			one := newWorld(t, a, imports)
			two := newWorld(t, a, func(s *setup) {
				imports(s)
				s.clock, s.store, s.Store, s.Now = one.clock, one.store, one.store, one.clock.Now
			})
			one.takeIn(imported(one, web()))
			two.token(web(), refreshing(legacyToken)).refused(t, 400, "invalid_grant")
			two.revoke(web(), legacyToken).status(t, 200)
			one.refresh(web(), legacyToken)
		},
		"what nobody could use is refused, and the error says why": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				imports(s)
				s.Clients = append(s.Clients, party{"codes", "codes-secret-0123456789", "client_secret_basic", callback}.client("authorization_code"))
			})
			w.takeIn(imported(w, web()))
			for name, tc := range map[string]struct {
				change func(t *server.ImportedRefreshToken)
				want   []string
				is     error
			}{
				"no token":                      {func(t *server.ImportedRefreshToken) { t.Token = "" }, []string{"Token or Digest", "leave out"}, nil},
				"token and digest":              {func(t *server.ImportedRefreshToken) { t.Digest = mandate.DigestOf(t.Token) }, []string{"Token or Digest"}, nil},
				"the digest of nothing":         {func(t *server.ImportedRefreshToken) { t.Token, t.Digest = "", mandate.DigestOf("") }, []string{"Digest", "empty"}, nil},
				"a short token":                 {func(t *server.ImportedRefreshToken) { t.Token = "short" }, []string{"5 bytes", "16 to 4096"}, nil},
				"a long token":                  {func(t *server.ImportedRefreshToken) { t.Token = strings.Repeat("x", 4097) }, []string{"4097 bytes", "16 to 4096"}, nil},
				"a token that no form may have": {func(t *server.ImportedRefreshToken) { t.Token = "line\n" + strings.Repeat("x", 20) }, []string{"visible ASCII"}, nil},
				"a token of this server's form": {func(t *server.ImportedRefreshToken) { t.Token = "mdr_" + strings.Repeat("A", 54) }, []string{`"mdr_"`}, nil},
				"no client":                     {func(t *server.ImportedRefreshToken) { t.ClientID = "" }, []string{"ClientID", "import clients"}, store.ErrNotFound},
				"an unknown client":             {func(t *server.ImportedRefreshToken) { t.ClientID = "nobody" }, []string{`ClientID "nobody"`, "import clients"}, store.ErrNotFound},
				"a client without refreshes":    {func(t *server.ImportedRefreshToken) { t.ClientID = "codes" }, []string{`client "codes"`, "GrantTypes"}, nil},
				"no user":                       {func(t *server.ImportedRefreshToken) { t.Subject = "" }, []string{"Subject", "leave out"}, nil},
				"a user of no text":             {func(t *server.ImportedRefreshToken) { t.Subject = "a\x00" }, []string{"Subject"}, nil},
				"the client as its user":        {func(t *server.ImportedRefreshToken) { t.Subject = "web" }, []string{`Subject "web"`}, nil},
				"an unknown scope":              {func(t *server.ImportedRefreshToken) { t.Scopes = "read email" }, []string{`"email"`, "Config.Scopes"}, nil},
				"scopes that are none":          {func(t *server.ImportedRefreshToken) { t.Scopes = "read,\"write" }, []string{"Scopes"}, nil},
				"an unknown resource":           {func(t *server.ImportedRefreshToken) { t.Resources = []string{"https://x.example"} }, []string{"Resources", "https://x.example"}, nil},
				"a token that is over":          {func(t *server.ImportedRefreshToken) { t.Expires = w.clock.Now() }, []string{"Expires", "leave it out"}, store.ErrExpired},
				"an end that has come":          {func(t *server.ImportedRefreshToken) { t.Ends = w.clock.Now() }, []string{"leave it out"}, store.ErrExpired},
				"another user's":                {func(t *server.ImportedRefreshToken) { t.Subject = "bob" }, []string{`"alice"`, `"bob"`}, store.ErrExists},
				"another client's":              {func(t *server.ImportedRefreshToken) { t.ClientID = "post" }, []string{`"web"`, `"post"`}, store.ErrExists},
				"another scope":                 {func(t *server.ImportedRefreshToken) { t.Scopes = "read" }, []string{"scopes"}, store.ErrExists},
			} {
				one := imported(w, web())
				tc.change(&one)
				err := w.srv.ImportRefreshToken(t.Context(), one)
				if err == nil || tc.is != nil && !errors.Is(err, tc.is) {
					t.Errorf("%s: error = %v, want %v", name, err, tc.is)
					continue
				}
				for _, want := range tc.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%s: error = %q, want %q in it", name, err, want)
					}
				}
				if strings.Contains(err.Error(), legacyToken) {
					t.Errorf("%s: the error shows the token: %v", name, err)
				}
			}
			w.refresh(web(), legacyToken) // nothing of it changed what was imported
		},
		"a server that does not take them imports none": func(t *testing.T, a Adapter) {
			for field, change := range map[string]func(s *setup){
				"ImportedRefreshTokens": func(*setup) {},
				"GrantTypes": func(s *setup) {
					imports(s)
					s.Clients = nil
					s.GrantTypes = []server.GrantType{server.AuthorizationCode()}
				},
			} {
				w := newWorld(t, a, change)
				if err := w.srv.ImportRefreshToken(t.Context(), imported(w, web())); err == nil || !strings.Contains(err.Error(), field) {
					t.Errorf("error = %v, want %s in it", err, field)
				}
			}
		},
	}
}
