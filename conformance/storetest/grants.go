package storetest

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

func grantID(g store.Grant) string { return g.ID }

// approval returns a grant as it is made at an approval, with a key, a client and a subject of its own.
func (k kit) approval() store.Grant {
	return store.Grant{
		ID: name(), Key: digest(), KeyID: "k1", ClientID: name(), Subject: name(), SessionID: name(),
		Created: k.at(0), Expires: k.at(40 * time.Minute),
		Details: store.Details{Scopes: "read write", RedirectURI: "https://app.example.com/cb", Ends: k.at(50 * time.Minute)},
	}
}

// approve stores g, or a new approval, and returns it.
func (k kit) approve(t *testing.T, g ...store.Grant) store.Grant {
	t.Helper()
	g = append(g, k.approval())
	must(t, k.CreateGrant(t.Context(), g[0]))
	return g[0]
}

// isGrant checks that the stored grant is want.
func (k kit) isGrant(t *testing.T, want store.Grant) {
	t.Helper()
	got, err := k.Grant(t.Context(), want.ID)
	must(t, err)
	same(t, "the grant", got, want)
}

// isRevoked checks that the grant called id is revoked for the reason why.
func (k kit) isRevoked(t *testing.T, id string, why store.Reason) {
	t.Helper()
	got, err := k.Grant(t.Context(), id)
	must(t, err)
	if got.Revoked.IsZero() || got.Reason != why {
		t.Errorf("grant is revoked at %v for %q, want a time and %q", got.Revoked, got.Reason, why)
	}
}

func grants() cases {
	return cases{
		"a grant that nobody made is ErrNotFound": func(t *testing.T, k kit) {
			_, err := k.Grant(t.Context(), name())
			verdict(t, "Grant", err, store.ErrNotFound)
			_, err = k.GrantByKey(t.Context(), digest())
			verdict(t, "GrantByKey", err, store.ErrNotFound)
		},
		"every field of a grant comes back, whatever its state": func(t *testing.T, k kit) {
			var g store.Grant
			k.fill(t, &g)
			g.ID, g.ClientID, g.Subject, g.SessionID = name(), name(), name(), name()
			must(t, k.CreateGrant(t.Context(), g))
			k.isGrant(t, g)
			got, err := k.GrantByKey(t.Context(), g.Key)
			must(t, err)
			same(t, "the grant by its key", got, g)
			page, err := k.FindGrants(t.Context(), store.GrantQuery{Subject: g.Subject}, store.Page{})
			list(t, "FindGrants", page, err, grantID, g.ID)
			same(t, "the grant of a page", page[0], g)
		},
		"what is empty stays empty": func(t *testing.T, k kit) {
			g := store.Grant{ID: name(), Key: digest()}
			must(t, k.CreateGrant(t.Context(), g))
			k.isGrant(t, g)
		},
		"odd and long texts come back whole": func(t *testing.T, k kit) {
			for range 2 {
				g := k.approval()
				g.ID, g.Subject, g.ClientID, g.SessionID = name()+odd, name()+odd, name()+odd, name()+odd
				g.Details.Nonce, g.Details.Extra = odd, `{"x":"\u0000"}`
				k.isGrant(t, k.approve(t, g))
				page, err := k.FindGrants(t.Context(), store.GrantQuery{Subject: g.Subject, ClientID: g.ClientID, SessionID: g.SessionID}, store.Page{})
				list(t, "FindGrants", page, err, grantID, g.ID)
			}
			g := k.approval()
			g.ID, g.Subject, g.ClientID, g.SessionID = long(name(), 255), long(name(), 255), long(name(), 255), long(name(), 255)
			g.Details.RedirectURI, g.Details.Claims = long("https://app.example.com/", 2000), `{"x":"`+long("", 20_000)+`"}`
			k.isGrant(t, k.approve(t, g))
			next := g
			next.ID, next.Key, next.Subject = g.ID[:254]+"y", digest(), g.Subject[:254]+"y"
			k.isGrant(t, k.approve(t, next))
			page, err := k.FindGrants(t.Context(), store.GrantQuery{Subject: next.Subject}, store.Page{})
			list(t, "FindGrants", page, err, grantID, next.ID)
		},
		"times are kept in whole milliseconds and UTC": func(t *testing.T, k kit) {
			g := k.approval()
			g.Created, g.Expires, g.Details.AuthTime = inZone(k.at(0)), inZone(k.at(time.Minute)), inZone(k.at(time.Second))
			must(t, k.CreateGrant(t.Context(), g))
			got, err := k.Grant(t.Context(), g.ID)
			must(t, err)
			kept(t, "Created", got.Created, k.at(0))
			kept(t, "Expires", got.Expires, k.at(time.Minute))
			if d := got.Details.AuthTime.Sub(k.at(time.Second)); d < 0 || d >= time.Millisecond {
				t.Errorf("AuthTime is off by %v", d)
			}
		},
		"a taken ID is ErrExists": func(t *testing.T, k kit) {
			g := k.approve(t)
			next := k.approval()
			next.ID = g.ID
			verdict(t, "CreateGrant", k.CreateGrant(t.Context(), next), store.ErrExists)
			k.isGrant(t, g)
			_, err := k.GrantByKey(t.Context(), next.Key)
			verdict(t, "GrantByKey", err, store.ErrNotFound)
		},
		"a taken Key is ErrExists": func(t *testing.T, k kit) {
			g := k.approve(t)
			next := k.approval()
			next.Key = g.Key
			verdict(t, "CreateGrant", k.CreateGrant(t.Context(), next), store.ErrExists)
			_, err := k.Grant(t.Context(), next.ID)
			verdict(t, "Grant", err, store.ErrNotFound)
			got, err := k.GrantByKey(t.Context(), g.Key)
			must(t, err)
			same(t, "the grant by its key", got, g)
		},
		"grants without a Key live side by side, and no key finds them": func(t *testing.T, k kit) {
			for range 3 {
				g := k.approval()
				g.Key = mandate.Digest{}
				k.isGrant(t, k.approve(t, g))
			}
			_, err := k.GrantByKey(t.Context(), mandate.Digest{})
			verdict(t, "GrantByKey of none", err, store.ErrNotFound)
		},
		"a credential finds its grant by Key and never by ID": func(t *testing.T, k kit) {
			g := k.approve(t)
			_, err := k.GrantByKey(t.Context(), mandate.DigestOf(g.ID))
			verdict(t, "GrantByKey of the ID's digest", err, store.ErrNotFound)
			for _, id := range []string{hex.EncodeToString(g.Key[:]), base64.RawURLEncoding.EncodeToString(g.Key[:])} {
				_, err = k.Grant(t.Context(), id)
				verdict(t, "Grant of the Key", err, store.ErrNotFound)
			}
		},
		"IDs and subjects are compared byte by byte": func(t *testing.T, k kit) {
			prefix := name()
			for _, id := range alike(prefix) {
				g := k.approval()
				g.ID, g.Subject, g.ClientID, g.SessionID = id, "s"+id, "c"+id, "n"+id
				k.approve(t, g)
			}
			for _, id := range alike(prefix) {
				got, err := k.Grant(t.Context(), id)
				must(t, err)
				if got.ID != id || got.Subject != "s"+id {
					t.Errorf("grant %q is %q of %q", id, got.ID, got.Subject)
				}
				for _, q := range []store.GrantQuery{{Subject: "s" + id}, {ClientID: "c" + id}, {SessionID: "n" + id}} {
					page, err := k.FindGrants(t.Context(), q, store.Page{})
					list(t, fmt.Sprintf("FindGrants(%+v)", q), page, err, grantID, id)
				}
			}
			ended, err := k.RevokeGrants(t.Context(), store.GrantQuery{Subject: "s" + prefix + "abc"}, store.ByAdmin, k.at(0))
			list(t, "RevokeGrants", ended, err, grantID, prefix+"abc")
		},
		"FindGrants selects by every field that is not empty": func(t *testing.T, k kit) {
			p, subject, client, session := name(), name(), name(), name()
			for id, of := range map[string][3]string{
				"1": {subject, client, session}, "2": {subject, client, "other"}, "3": {subject, p, session}, "4": {p, client, session},
			} {
				g := k.approval()
				g.ID, g.Subject, g.ClientID, g.SessionID = p+id, of[0], of[1], of[2]
				k.approve(t, g)
			}
			must(t, k.RevokeGrant(t.Context(), p+"1", store.ByAdmin, k.at(0)))
			for _, tc := range []struct {
				q    store.GrantQuery
				want []string
			}{
				{store.GrantQuery{Subject: subject}, []string{p + "1", p + "2", p + "3"}},
				{store.GrantQuery{ClientID: client}, []string{p + "1", p + "2", p + "4"}},
				{store.GrantQuery{SessionID: session}, []string{p + "1", p + "3", p + "4"}},
				{store.GrantQuery{Subject: subject, ClientID: client}, []string{p + "1", p + "2"}},
				{store.GrantQuery{Subject: subject, SessionID: session}, []string{p + "1", p + "3"}},
				{store.GrantQuery{Subject: subject, ClientID: client, SessionID: session}, []string{p + "1"}},
				{store.GrantQuery{Subject: client}, nil},
			} {
				got, err := k.FindGrants(t.Context(), tc.q, store.Page{})
				list(t, fmt.Sprintf("FindGrants(%+v)", tc.q), got, err, grantID, tc.want...)
			}
		},
		"what a caller does to a page touches nothing": func(t *testing.T, k kit) {
			g := k.approve(t)
			for range 2 {
				page, err := k.FindGrants(t.Context(), store.GrantQuery{Subject: g.Subject}, store.Page{})
				list(t, "FindGrants", page, err, grantID, g.ID)
				same(t, "the grant of a page", page[0], g)
				page[0].Subject, page[0].Revoked = "mallory", k.at(0)
			}
			ended, err := k.RevokeGrants(t.Context(), store.GrantQuery{Subject: g.Subject}, store.ByAdmin, k.at(0))
			list(t, "RevokeGrants", ended, err, grantID, g.ID)
			ended[0].Revoked = time.Time{}
			k.isRevoked(t, g.ID, store.ByAdmin)
		},
		"an empty query of FindGrants selects all": func(t *testing.T, k kit) {
			g := k.approve(t)
			got, err := k.FindGrants(t.Context(), store.GrantQuery{}, store.Page{After: g.ID[:len(g.ID)-1], Limit: 1})
			list(t, "FindGrants", got, err, grantID, g.ID)
		},
		"pages come in the order of IDs, a hundred where no limit is given": func(t *testing.T, k kit) {
			p, q := name(), store.GrantQuery{Subject: name()}
			var want []string
			for i := range 105 {
				g := k.approval()
				g.ID, g.Subject = fmt.Sprintf("%s%03d", p, (i*37)%105), q.Subject
				want = append(want, g.ID)
				k.approve(t, g)
			}
			slices.Sort(want)
			got, err := k.FindGrants(t.Context(), q, store.Page{})
			list(t, "the default page", got, err, grantID, want[:100]...)
			got, err = k.FindGrants(t.Context(), q, store.Page{After: want[99]})
			list(t, "the rest", got, err, grantID, want[100:]...)
			got, err = k.FindGrants(t.Context(), q, store.Page{After: want[6], Limit: 5})
			list(t, "five after the seventh", got, err, grantID, want[7:12]...)
			got, err = k.FindGrants(t.Context(), q, store.Page{Limit: 1000})
			list(t, "a thousand", got, err, grantID, want...)
			got, err = k.FindGrants(t.Context(), q, store.Page{After: want[104]})
			list(t, "after the last", got, err, grantID)
		},
		"RevokeGrant ends a grant, and the first reason stays": func(t *testing.T, k kit) {
			g := k.approve(t)
			must(t, k.RevokeGrant(t.Context(), g.ID, store.BySubject, k.at(time.Minute)))
			g.Revoked, g.Reason = k.at(time.Minute), store.BySubject
			k.isGrant(t, g)
			must(t, k.RevokeGrant(t.Context(), g.ID, store.ByReuse, k.at(2*time.Minute)))
			k.isGrant(t, g)
			_, err := k.RevokeGrants(t.Context(), store.GrantQuery{Subject: g.Subject}, store.ByReuse, k.at(2*time.Minute))
			must(t, err)
			k.isGrant(t, g)
			got, err := k.GrantByKey(t.Context(), g.Key)
			must(t, err)
			same(t, "the grant by its key", got, g)
		},
		"a grant revoked before it is made is born dead": func(t *testing.T, k kit) {
			g := k.approval()
			for range 2 {
				must(t, k.RevokeGrant(t.Context(), g.ID, store.ByReuse, k.at(0)))
			}
			verdict(t, "CreateGrant", k.CreateGrant(t.Context(), g), store.ErrExists)
			k.isRevoked(t, g.ID, store.ByReuse)
			_, err := k.GrantByKey(t.Context(), g.Key)
			verdict(t, "GrantByKey", err, store.ErrNotFound)
			_, err = k.Redeem(t.Context(), k.redemption(g))
			verdict(t, "Redeem", err, store.ErrRevoked)
			verdict(t, "PutToken", k.PutToken(t.Context(), digest(), k.token(g)), store.ErrRevoked)
		},
		"RevokeGrants returns exactly those that it ended": func(t *testing.T, k kit) {
			q, p := store.GrantQuery{Subject: name(), ClientID: name()}, name()
			var want []string
			for i := range 120 {
				g := k.approval()
				g.ID, g.Subject, g.ClientID = fmt.Sprintf("%s%03d", p, i), q.Subject, q.ClientID
				k.approve(t, g)
				want = append(want, g.ID)
			}
			bystander := k.approval()
			bystander.Subject = q.Subject
			k.approve(t, bystander)
			must(t, k.RevokeGrant(t.Context(), want[0], store.ByAdmin, k.at(0)))

			ended, err := k.RevokeGrants(t.Context(), q, store.BySubject, k.at(0))
			slices.SortFunc(ended, func(a, b store.Grant) int { return strings.Compare(a.ID, b.ID) })
			list(t, "the ended", ended, err, grantID, want[1:]...)
			for _, g := range ended {
				if g.Subject != q.Subject || g.Details.Scopes != "read write" {
					t.Fatalf("an ended grant = %+v, want it whole", g)
				}
				k.isRevoked(t, g.ID, store.BySubject)
			}
			k.isRevoked(t, want[0], store.ByAdmin)
			k.isGrant(t, bystander)
			again, err := k.RevokeGrants(t.Context(), q, store.BySubject, k.at(0))
			list(t, "the second time", again, err, grantID)
		},
		"RevokeGrants selects by every field that is not empty": func(t *testing.T, k kit) {
			g := k.approve(t)
			for _, q := range []store.GrantQuery{
				{Subject: g.Subject, ClientID: name()}, {Subject: name(), SessionID: g.SessionID}, {ClientID: g.Subject}, {SessionID: g.ID}, {},
			} {
				ended, err := k.RevokeGrants(t.Context(), q, store.ByAdmin, k.at(0))
				list(t, fmt.Sprintf("RevokeGrants(%+v)", q), ended, err, grantID)
			}
			k.isGrant(t, g)
			ended, err := k.RevokeGrants(t.Context(), store.GrantQuery{SessionID: g.SessionID}, store.ByLogout, k.at(0))
			list(t, "RevokeGrants of the session", ended, err, grantID, g.ID)
		},
		"a cancelled context is an outage and no verdict": func(t *testing.T, k kit) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			g := k.approve(t)
			for call, f := range map[string]func(context.Context) error{
				"RevokeGrant": func(ctx context.Context) error { return k.RevokeGrant(ctx, g.ID, store.ByReuse, k.at(0)) },
				"RevokeGrants": func(ctx context.Context) error {
					_, err := k.RevokeGrants(ctx, store.GrantQuery{Subject: g.Subject}, store.ByReuse, k.at(0))
					return err
				},
				"Grant": func(ctx context.Context) error { _, err := k.Grant(ctx, g.ID); return err },
			} {
				if err := f(ctx); isVerdict(err) {
					t.Errorf("%s: error = %v, want none, or one that is no verdict", call, err)
				}
			}
			must(t, k.RevokeGrant(context.WithoutCancel(ctx), g.ID, store.ByReuse, k.at(0)))
			k.isRevoked(t, g.ID, store.ByReuse)
		},
		"what is sealed in a grant is sealed anew, and nothing else changes": func(t *testing.T, k kit) {
			g := k.approval()
			g.Details.Sealed, g.Details.Claims = "one+/", `{"sealed":"one+/"}`
			k.approve(t, g)
			verdict(t, "ResealGrant of another", k.ResealGrant(t.Context(), g.ID, "another", "two"), store.ErrConflict)
			k.isGrant(t, g)
			must(t, k.ResealGrant(t.Context(), g.ID, "one+/", "two"))
			g.Details.Sealed = "two"
			k.isGrant(t, g)
			verdict(t, "ResealGrant of what was", k.ResealGrant(t.Context(), g.ID, "one+/", "three"), store.ErrConflict)
			_, err := k.Redeem(t.Context(), store.Redemption{GrantID: g.ID, Now: k.at(time.Minute), Expires: g.Expires, KeyID: "k2"})
			must(t, err)
			g.Generation, g.Advanced, g.KeyID = 1, k.at(time.Minute), "k2"
			must(t, k.ResealGrant(t.Context(), g.ID, "two", "three"))
			g.Details.Sealed = "three"
			got, err := k.GrantByKey(t.Context(), g.Key)
			must(t, err)
			same(t, "the grant by its key", got, g)
			page, err := k.FindGrants(t.Context(), store.GrantQuery{Subject: g.Subject}, store.Page{})
			list(t, "FindGrants", page, err, grantID, g.ID)
			same(t, "the grant of a page", page[0], g)
			ended, err := k.RevokeGrants(t.Context(), store.GrantQuery{Subject: g.Subject}, store.ByAdmin, k.at(2*time.Minute))
			list(t, "RevokeGrants", ended, err, grantID, g.ID)
			same(t, "what is sealed in the grant that ended", ended[0].Details.Sealed, "three")
			must(t, k.ResealGrant(t.Context(), g.ID, "three", "four"))
			g.Details.Sealed, g.Revoked, g.Reason = "four", k.at(2*time.Minute), store.ByAdmin
			k.isGrant(t, g)
		},
		"there is nothing to seal anew where there is no grant, or nothing sealed": func(t *testing.T, k kit) {
			verdict(t, "ResealGrant", k.ResealGrant(t.Context(), name(), "one", "two"), store.ErrNotFound)
			g := k.approve(t)
			verdict(t, "ResealGrant", k.ResealGrant(t.Context(), g.ID, "one", "two"), store.ErrConflict)
			k.isGrant(t, g)
			id := name()
			must(t, k.RevokeGrant(t.Context(), id, store.ByReuse, k.at(0)))
			verdict(t, "ResealGrant", k.ResealGrant(t.Context(), id, "one", "two"), store.ErrConflict)
		},
		"two who seal one grant anew do not undo each other, nor a redemption": func(t *testing.T, k kit) {
			g := k.approval()
			g.Details.Sealed = "one"
			k.approve(t, g)
			won := make([]error, contenders)
			rush(func(i int) {
				if i == 0 {
					_, won[i] = k.Redeem(t.Context(), store.Redemption{GrantID: g.ID, Now: k.at(time.Minute), Expires: g.Expires, KeyID: "k2"})
					return
				}
				won[i] = k.ResealGrant(t.Context(), g.ID, "one", fmt.Sprintf("two%d", i))
			})
			must(t, won[0])
			g.Generation, g.Advanced, g.KeyID = 1, k.at(time.Minute), "k2"
			for i, err := range won[1:] {
				if err == nil && g.Details.Sealed == "one" {
					g.Details.Sealed = fmt.Sprintf("two%d", i+1)
				} else {
					verdict(t, "ResealGrant", err, store.ErrConflict)
				}
			}
			k.isGrant(t, g)
		},
	}
}
