package storetest

import (
	"fmt"
	"testing"

	"github.com/go-mandate/mandate/core/store"
)

func consentClient(c store.Consent) string { return c.ClientID }

func consents() cases {
	return cases{
		"what nobody allowed is ErrNotFound": func(t *testing.T, k kit) {
			c := store.Consent{Subject: name(), ClientID: name(), Scopes: "read"}
			must(t, k.PutConsent(t.Context(), c))
			for _, of := range [][2]string{{name(), c.ClientID}, {c.Subject, name()}, {c.ClientID, c.Subject}} {
				_, err := k.Consent(t.Context(), of[0], of[1])
				verdict(t, "Consent", err, store.ErrNotFound)
			}
		},
		"every field of a consent comes back, and the revision raised": func(t *testing.T, k kit) {
			var c store.Consent
			k.fill(t, &c)
			c.Subject, c.ClientID = name(), name()
			for revision := range int64(3) {
				c.Revision = revision
				must(t, k.PutConsent(t.Context(), c))
				c.Revision++
				got, err := k.Consent(t.Context(), c.Subject, c.ClientID)
				must(t, err)
				same(t, "the consent", got, c)
			}
			c = store.Consent{Subject: c.Subject, ClientID: c.ClientID, Revision: 3}
			must(t, k.PutConsent(t.Context(), c))
			c.Revision++
			got, err := k.Consent(t.Context(), c.Subject, c.ClientID)
			must(t, err)
			same(t, "the emptied consent", got, c)
		},
		"another revision than the stored one is ErrConflict": func(t *testing.T, k kit) {
			c := store.Consent{Subject: name(), ClientID: name(), Revision: 1}
			verdict(t, "revision 1 of none", k.PutConsent(t.Context(), c), store.ErrConflict)
			c.Revision = 0
			must(t, k.PutConsent(t.Context(), c))
			c.Scopes, c.Revision = "read", 1
			must(t, k.PutConsent(t.Context(), c))
			for _, revision := range []int64{0, 1, 3} {
				verdict(t, "a wrong revision", k.PutConsent(t.Context(), store.Consent{Subject: c.Subject, ClientID: c.ClientID, Revision: revision}), store.ErrConflict)
			}
			got, err := k.Consent(t.Context(), c.Subject, c.ClientID)
			must(t, err)
			c.Revision = 2
			same(t, "the consent", got, c)
		},
		"forgetting is idempotent, and touches no grant": func(t *testing.T, k kit) {
			g := k.approve(t)
			c := store.Consent{Subject: g.Subject, ClientID: g.ClientID}
			must(t, k.PutConsent(t.Context(), c))
			for range 2 {
				must(t, k.DeleteConsent(t.Context(), c.Subject, c.ClientID))
			}
			_, err := k.Consent(t.Context(), c.Subject, c.ClientID)
			verdict(t, "Consent", err, store.ErrNotFound)
			k.isGrant(t, g)
			must(t, k.PutConsent(t.Context(), c))
			must(t, k.RevokeGrant(t.Context(), g.ID, store.BySubject, k.at(0)))
			_, err = k.Consent(t.Context(), c.Subject, c.ClientID)
			must(t, err)
		},
		"subjects and clients are compared byte by byte": func(t *testing.T, k kit) {
			p := name()
			for _, id := range alike(p) {
				must(t, k.PutConsent(t.Context(), store.Consent{Subject: id, ClientID: "c"}))
				must(t, k.PutConsent(t.Context(), store.Consent{Subject: p, ClientID: id}))
			}
			must(t, k.DeleteConsent(t.Context(), p+"ABC", "c"))
			for _, id := range alike(p) {
				got, err := k.FindConsents(t.Context(), id, store.Page{})
				if id == p+"ABC" {
					list(t, "the forgotten", got, err, consentClient)
				} else {
					list(t, "consents of "+id, got, err, consentClient, "c")
				}
				c, err := k.Consent(t.Context(), p, id)
				must(t, err)
				if c.ClientID != id {
					t.Errorf("the consent for %q is for %q", id, c.ClientID)
				}
			}
		},
		"odd and long texts come back whole": func(t *testing.T, k kit) {
			for _, id := range []string{name() + odd, long(name(), 255)} {
				c := store.Consent{Subject: id, ClientID: id, Data: `{"x":"` + long("", 20_000) + `"}`}
				must(t, k.PutConsent(t.Context(), c))
				got, err := k.Consent(t.Context(), id, id)
				must(t, err)
				c.Revision = 1
				same(t, "the consent", got, c)
			}
		},
		"pages come in the order of client IDs": func(t *testing.T, k kit) {
			subject := name()
			for i := range 7 {
				must(t, k.PutConsent(t.Context(), store.Consent{Subject: subject, ClientID: fmt.Sprintf("c%d", i*5%7), Scopes: "read"}))
			}
			must(t, k.PutConsent(t.Context(), store.Consent{Subject: name(), ClientID: "c1"}))
			got, err := k.FindConsents(t.Context(), subject, store.Page{Limit: 3})
			list(t, "the first page", got, err, consentClient, "c0", "c1", "c2")
			if got[0].Subject != subject || got[0].Scopes != "read" {
				t.Errorf("a consent of a page = %+v, want it whole", got[0])
			}
			got, err = k.FindConsents(t.Context(), subject, store.Page{After: "c2"})
			list(t, "the rest", got, err, consentClient, "c3", "c4", "c5", "c6")
		},
		"two writers lose nothing: one reads again and merges": func(t *testing.T, k kit) {
			c := store.Consent{Subject: name(), ClientID: name(), Updated: k.at(0)}
			a, b := c, c
			a.Scopes, b.Scopes = "read", "write"
			must(t, k.PutConsent(t.Context(), a))
			verdict(t, "the second writer", k.PutConsent(t.Context(), b), store.ErrConflict)
			got, err := k.Consent(t.Context(), c.Subject, c.ClientID)
			must(t, err)
			got.Scopes = got.Scopes.With(b.Scopes)
			must(t, k.PutConsent(t.Context(), got))
			got, err = k.Consent(t.Context(), c.Subject, c.ClientID)
			must(t, err)
			if got.Scopes != "read write" || got.Revision != 2 {
				t.Errorf("the consent = %+v, want both scopes and revision 2", got)
			}
		},
	}
}
