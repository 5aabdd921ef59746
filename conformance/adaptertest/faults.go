package adaptertest

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// countingStore counts what is written, and what is called at all.
type countingStore struct {
	store.Store
	writes, calls atomic.Int64
}

func (s *countingStore) write() { s.writes.Add(1); s.calls.Add(1) }

// The methods of store.Store that the suite counts.

func (s *countingStore) Client(ctx context.Context, id string) (*store.Client, error) {
	s.calls.Add(1)
	return s.Store.Client(ctx, id)
}

func (s *countingStore) Grant(ctx context.Context, id string) (store.Grant, error) {
	s.calls.Add(1)
	return s.Store.Grant(ctx, id)
}

func (s *countingStore) GrantByKey(ctx context.Context, key mandate.Digest) (store.Grant, error) {
	s.calls.Add(1)
	return s.Store.GrantByKey(ctx, key)
}

func (s *countingStore) Token(ctx context.Context, key mandate.Digest, now time.Time) (*mandate.Token, error) {
	s.calls.Add(1)
	return s.Store.Token(ctx, key, now)
}

func (s *countingStore) CreateGrant(ctx context.Context, g store.Grant) error {
	s.write()
	return s.Store.CreateGrant(ctx, g)
}

func (s *countingStore) Redeem(ctx context.Context, r store.Redemption) (string, error) {
	s.write()
	return s.Store.Redeem(ctx, r)
}

func (s *countingStore) PutToken(ctx context.Context, key mandate.Digest, t *mandate.Token) error {
	s.write()
	return s.Store.PutToken(ctx, key, t)
}

func (s *countingStore) PutTicket(ctx context.Context, t store.Ticket) error {
	s.write()
	return s.Store.PutTicket(ctx, t)
}

func (s *countingStore) PutSession(ctx context.Context, x store.Session) error {
	s.write()
	return s.Store.PutSession(ctx, x)
}

func (s *countingStore) PutConsent(ctx context.Context, c store.Consent) error {
	s.write()
	return s.Store.PutConsent(ctx, c)
}

// faultyStore fails in the method that is named.
type faultyStore struct {
	store.Store
	method atomic.Pointer[string]
	err    error
}

// errStore is what a broken store says, which nobody outside may read.
var errStore = errors.New("pq: password authentication failed for user root at 10.0.0.7")

func (s *faultyStore) fail(method string) error {
	if m := s.method.Load(); m != nil && *m == method {
		return s.err
	}
	return nil
}

func (s *faultyStore) Client(ctx context.Context, id string) (*store.Client, error) {
	if err := s.fail("Client"); err != nil {
		return nil, err
	}
	return s.Store.Client(ctx, id)
}

func (s *faultyStore) Grant(ctx context.Context, id string) (store.Grant, error) {
	if err := s.fail("Grant"); err != nil {
		return store.Grant{}, err
	}
	return s.Store.Grant(ctx, id)
}

func (s *faultyStore) GrantByKey(ctx context.Context, key mandate.Digest) (store.Grant, error) {
	if err := s.fail("GrantByKey"); err != nil {
		return store.Grant{}, err
	}
	return s.Store.GrantByKey(ctx, key)
}

func (s *faultyStore) CreateGrant(ctx context.Context, g store.Grant) error {
	if err := s.fail("CreateGrant"); err != nil {
		return err
	}
	return s.Store.CreateGrant(ctx, g)
}

func (s *faultyStore) Redeem(ctx context.Context, r store.Redemption) (string, error) {
	if err := s.fail("Redeem"); err != nil {
		return "", err
	}
	return s.Store.Redeem(ctx, r)
}

func (s *faultyStore) RevokeGrant(ctx context.Context, id string, why store.Reason, now time.Time) error {
	if err := s.fail("RevokeGrant"); err != nil {
		return err
	}
	return s.Store.RevokeGrant(ctx, id, why, now)
}

func (s *faultyStore) PutToken(ctx context.Context, key mandate.Digest, t *mandate.Token) error {
	if err := s.fail("PutToken"); err != nil {
		return err
	}
	return s.Store.PutToken(ctx, key, t)
}

func (s *faultyStore) Token(ctx context.Context, key mandate.Digest, now time.Time) (*mandate.Token, error) {
	if err := s.fail("Token"); err != nil {
		return nil, err
	}
	return s.Store.Token(ctx, key, now)
}

func (s *faultyStore) RevokeToken(ctx context.Context, key mandate.Digest, expires time.Time) error {
	if err := s.fail("RevokeToken"); err != nil {
		return err
	}
	return s.Store.RevokeToken(ctx, key, expires)
}

func (s *faultyStore) Session(ctx context.Context, key mandate.Digest, now time.Time) (store.Session, error) {
	if err := s.fail("Session"); err != nil {
		return store.Session{}, err
	}
	return s.Store.Session(ctx, key, now)
}

func (s *faultyStore) PutSession(ctx context.Context, x store.Session) error {
	if err := s.fail("PutSession"); err != nil {
		return err
	}
	return s.Store.PutSession(ctx, x)
}

func (s *faultyStore) Consent(ctx context.Context, subject, clientID string) (store.Consent, error) {
	if err := s.fail("Consent"); err != nil {
		return store.Consent{}, err
	}
	return s.Store.Consent(ctx, subject, clientID)
}

func (s *faultyStore) PutTicket(ctx context.Context, t store.Ticket) error {
	if err := s.fail("PutTicket"); err != nil {
		return err
	}
	return s.Store.PutTicket(ctx, t)
}

func (s *faultyStore) SigningKeys(ctx context.Context, name string) ([]byte, int64, error) {
	if err := s.fail("SigningKeys"); err != nil {
		return nil, 0, err
	}
	return s.Store.SigningKeys(ctx, name)
}

// faults are the cases of a store that is out of order: nobody gets anything, and nobody learns why.
func faults() cases {
	list := cases{}
	for name, kind := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"fails":     {errStore, 500, "server_error"},
		"times out": {errors.Join(errStore, context.DeadlineExceeded), 503, "temporarily_unavailable"},
		"is away":   {errors.Join(errStore, &net.OpError{Op: "dial", Net: "tcp", Err: errStore}), 503, "temporarily_unavailable"},
	} {
		broken := func(t *testing.T, a Adapter) (*world, func(method string)) {
			t.Helper()
			faulty := &faultyStore{err: kind.err}
			w := newWorld(t, a, func(s *setup) {
				builtInPages(s)
				faulty.Store, s.Store = s.Store, faulty
			})
			w.keep(party{"stored", "stored-secret", "client_secret_basic", callback}.client("client_credentials"))
			return w, func(method string) { faulty.method.Store(&method) }
		}
		quiet := func(t *testing.T, ans *answer) {
			t.Helper()
			if all := ans.Body + ans.Header.Get("Location"); strings.Contains(all, "pq") || strings.Contains(all, "10.0.0.7") || strings.Contains(all, "deadline") || strings.Contains(all, "read grant") {
				t.Errorf("the answer tells of the inside: %q", all)
			}
		}
		refused := func(t *testing.T, ans *answer) {
			t.Helper()
			ans.refused(t, kind.status, kind.code)
			retry := ""
			if kind.status == 503 {
				retry = "5"
			}
			ans.fields(t, "Retry-After", retry)
			quiet(t, ans)
		}
		login := func(w *world) string {
			w.t.Helper()
			b := newBrowser(w)
			return b.authorize(web()).form().submit("username", "alice", "password", "password of alice", "action", "login").form().submit("action", "allow").code()
		}
		list["a store that "+name+": the token endpoint"] = func(t *testing.T, a Adapter) {
			w, fail := broken(t, a)
			code := login(w)
			for _, method := range []string{"GrantByKey", "Redeem"} {
				fail(method)
				refused(t, w.token(web(), web().exchange(code)))
			}
			fail("")
			got := w.token(web(), web().exchange(code)).tokens(t)
			for _, method := range []string{"GrantByKey", "Redeem"} {
				fail(method)
				refused(t, w.token(web(), refreshing(got.Refresh)))
			}
			fail("")
			w.refresh(web(), got.Refresh)
			fail("RevokeGrant") // an alarm that cannot be raised is no success either
			w.token(web(), web().exchange(code)).status(t, kind.status)
			fail("")
			w.token(web(), web().exchange(code)).refused(t, 400, "invalid_grant")
			w.dead(web(), got.Access, "")
		}
		list["a store that "+name+": a client that acts for itself"] = func(t *testing.T, a Adapter) {
			w, fail := broken(t, a)
			own := url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}}
			for _, method := range []string{"Grant", "CreateGrant", "PutToken"} {
				fail(method)
				refused(t, w.token(service(), own))
			}
			fail("Client")
			refused(t, w.token(party{"stored", "stored-secret", "client_secret_basic", ""}, own))
			refused(t, w.token(party{"unknown", "x", "client_secret_post", ""}, own))
			fail("SigningKeys")
			refused(t, w.token(jwtWeb(), own))
			fail("")
			w.alive(w.token(service(), own).tokens(t).Access)
			w.token(jwtWeb(), own).tokens(t)
		}
		list["a store that "+name+": introspection, revocation and the guard"] = func(t *testing.T, a Adapter) {
			w, fail := broken(t, a)
			got := w.token(web(), web().exchange(login(w))).tokens(t)
			fail("Token")
			refused(t, w.introspect(web(), got.Access))
			refused(t, w.revoke(web(), got.Access))
			ans := w.get(t, "/api", "Authorization", "Bearer "+got.Access)
			ans.refused(t, 503, "temporarily_unavailable")
			quiet(t, ans)
			fail("GrantByKey")
			refused(t, w.introspect(web(), got.Refresh))
			refused(t, w.revoke(web(), got.Refresh))
			fail("RevokeToken")
			refused(t, w.revoke(web(), got.Access))
			fail("RevokeGrant")
			refused(t, w.revoke(web(), got.Refresh))
			fail("")
			w.alive(got.Access)
			w.refresh(web(), got.Refresh)
		}
		list["a store that "+name+": the way through the pages"] = func(t *testing.T, a Adapter) {
			w, fail := broken(t, a)
			b := newBrowser(w)
			page := func(p *page) {
				t.Helper()
				quiet(t, p.answer)
				if p.Status == 303 {
					toldAs(t, w, p.answer, kind.code, true)
				} else if p.status(t, kind.status); !strings.Contains(p.Body, kind.code) {
					t.Errorf("body = %q", p.Body)
				}
			}
			in := []string{"username", "alice", "password", "password of alice", "action", "login"}
			form := b.authorize(web()).form()
			fail("PutSession")
			page(form.submit(in...))
			fail("")
			consent := form.submit(in...).form()
			fail("Session")
			page(consent.submit("action", "allow"))
			page(b.authorize(web()))
			for _, method := range []string{"CreateGrant", "Consent"} {
				fail(method)
				page(consent.submit("action", "allow"))
			}
			fail("Consent") // nobody could tell: ask
			b.authorize(web()).form()
			fail("PutTicket")
			page(b.authorize(web(), "prompt", "consent", "nonce", strings.Repeat("n", 1024), "state", "xyz", "acr_values", strings.Repeat("a", 1024)))
			fail("Client")
			page(b.authorize(party{"stored", "", "", callback}))
			fail("SigningKeys")
			refused(t, w.get(t, "/jwks"))
			fail("")
			consent.submit("action", "allow").code()
		}
	}
	return list
}
