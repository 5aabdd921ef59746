package adaptertest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"sync"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

const keySiteURL = "https://remote.example.com/jwks"

// keySite is a mandate.Fetcher that answers for a client's site.
type keySite struct {
	mu     sync.Mutex // guards what follows
	body   string
	err    error
	asked  int
	others []string // URLs that are not the client's keys
}

func newKeySite() *keySite { return &keySite{} }

// Fetch implements mandate.Fetcher.
func (k *keySite) Fetch(_ context.Context, r *mandate.FetchRequest) (*mandate.Response, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked++
	if r.URL != keySiteURL || r.Trust != mandate.Untrusted {
		k.others = append(k.others, r.URL)
		return nil, errors.New("no such site")
	}
	return &mandate.Response{Status: 200, Body: []byte(k.body)}, k.err
}

// publish puts the public halves of keys on the site.
func (k *keySite) publish(t *testing.T, keys ...*jose.Key) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.body = string(publicKeys(t, keys...))
}

// down makes the site answer with err from now on.
func (k *keySite) down(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = err
}

func (k *keySite) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.asked
}

// pointing returns an assertion of a stranger whose header says where the stranger's keys are.
func pointing(t *testing.T, claims map[string]any) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding
	message := b64.EncodeToString([]byte(`{"alg":"ES256","kid":"x","jku":"https://evil.example/jwks","x5u":"https://evil.example/x5u"}`)) + "." + b64.EncodeToString(payload)
	sum := sha256.Sum256([]byte(message))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return message + "." + b64.EncodeToString(sig)
}

func newSigningKey(t *testing.T, alg jose.Alg) *jose.Key {
	t.Helper()
	key, err := jose.Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// withAlg returns key for another algorithm of its family, with the same name.
func withAlg(t *testing.T, key *jose.Key, alg jose.Alg) *jose.Key {
	t.Helper()
	data, err := key.MarshalJWK()
	if err != nil {
		t.Fatal(err)
	}
	var jwk map[string]any
	if err := json.Unmarshal(data, &jwk); err != nil {
		t.Fatal(err)
	}
	jwk["alg"] = string(alg)
	if data, err = json.Marshal(jwk); err != nil {
		t.Fatal(err)
	}
	other, err := jose.ParseJWK(data)
	if err != nil {
		t.Fatal(err)
	}
	return other
}

// publicKeys returns the JWKS of the public halves of keys, for any algorithm that fits them.
func publicKeys(t *testing.T, keys ...*jose.Key) json.RawMessage {
	t.Helper()
	var public []*jose.PublicKey
	for _, k := range keys {
		p, err := jose.NewPublicKey("", k.Public().Key(), k.ID())
		if err != nil {
			t.Fatal(err)
		}
		public = append(public, p)
	}
	text, err := json.Marshal(jose.NewKeySet(public...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// assertionKeys are the cases of where keys and secrets come from, and of those that change.
func assertionKeys() cases {
	return cases{
		"keys at a URL are fetched once, and for nobody who is unknown": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, func(_ *setup, c map[string]*store.Client) {
				off := c["remote"].Clone()
				off.ID, off.Disabled = "off", true
				c["off"] = off
			})
			for _, id := range []string{"nobody", "off", "web"} {
				s := x.remote
				s.id = id
				quiet(t, x.send(s.assertion(nil)))
			}
			if n := x.web.count(); n != 0 {
				t.Fatalf("%d fetches for those who are no such client", n)
			}
			for range 10 {
				x.send(x.remote.assertion(nil)).tokens(t)
			}
			if n := x.web.count(); n != 1 || len(x.web.others) > 0 {
				t.Errorf("%d fetches, of others %q, want 1", n, x.web.others)
			}
		},
		"a new key at the URL is found at once, and the URLs of a header are never asked": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, nil)
			x.send(x.remote.assertion(nil)).tokens(t)
			x.remote.key = newSigningKey(t, jose.ES256)
			x.web.publish(t, x.remote.key)
			x.send(x.remote.assertion(nil)).tokens(t)
			x.remote.key = newSigningKey(t, jose.ES256)
			for range 5 {
				quiet(t, x.send(x.remote.assertion(nil)))
				quiet(t, x.send(pointing(t, x.remote.claims())))
			}
			if n := x.web.count(); n != 2 || len(x.web.others) > 0 {
				t.Errorf("%d fetches, of others %q, want 2", n, x.web.others)
			}
		},
		"while the site is down the keys go on, and without any the client is told to come again": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, nil)
			x.web.down(errors.New("connection refused"))
			late := x.remote.assertion(nil)
			ans := x.send(late)
			ans.refused(t, 503, "temporarily_unavailable")
			ans.fields(t, "Retry-After", "5")
			x.web.down(nil)
			x.clock.Pass(3 * time.Second)
			x.send(late).tokens(t) // nothing of it was used up
			x.web.down(errors.New("connection refused"))
			x.clock.Pass(20 * time.Minute)
			x.send(x.remote.assertion(nil)).tokens(t)
		},
		"a secret that is replaced overlaps with the new one, and then only that works": func(t *testing.T, a Adapter) {
			const old, young = "old-secret-0123456789", "new-secret-0123456789"
			x := newAsserting(t, a, func(s *setup, c map[string]*store.Client) {
				now := s.clock.Now()
				from, until := now.Add(time.Hour), now.Add(3*time.Hour)
				both := []store.Secret{server.ClearSecret(sharedSecret), server.ClearSecret(otherSecret)}
				both[0].Expires, both[1].NotBefore = until, from
				c["shared"].Secrets = both
				for _, p := range []party{{"basic", "", "client_secret_basic", ""}, {"body", "", "client_secret_post", ""}} {
					record := p.client("client_credentials")
					record.Secrets = []store.Secret{server.HashSecret(old), server.HashSecret(young)}
					record.Secrets[0].Expires, record.Secrets[1].NotBefore = until, from
					c[p.id] = record
				}
			})
			young2 := x.shared
			young2.secret = otherSecret
			for _, hour := range []struct{ old, young bool }{{true, false}, {true, true}, {true, true}, {false, true}, {false, true}} {
				for _, row := range []struct {
					ans   *answer
					works bool
				}{
					{x.send(x.shared.assertion(nil)), hour.old},
					{x.send(young2.assertion(nil)), hour.young},
					{x.token(party{"basic", old, "client_secret_basic", ""}, ownToken()), hour.old},
					{x.token(party{"basic", young, "client_secret_basic", ""}, ownToken()), hour.young},
					{x.token(party{"body", old, "client_secret_post", ""}, ownToken()), hour.old},
					{x.token(party{"body", young, "client_secret_post", ""}, ownToken()), hour.young},
				} {
					if row.works != (row.ans.Status == 200) {
						t.Errorf("at %v: %d %s, want it to work: %t", x.clock.Now(), row.ans.Status, row.ans.Body, row.works)
					}
				}
				x.clock.Pass(time.Hour)
			}
		},
	}
}

// assertionOnce are the cases of the jti: good for one request, and for a retry of what changed nothing.
func assertionOnce() cases {
	return cases{
		"it is good once, whatever the endpoint": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, nil)
			for _, s := range []asserter{x.keyed, x.shared} {
				for first, status := range map[string]int{"/token": 200, "/introspect": 200, "/revoke": 200, "/par": 201} {
					form := asserted(with(party{id: s.id, redirect: callback}.request(), "grant_type", "client_credentials", "token", "x"), s.assertion(nil))
					x.form(t, first, form).status(t, status)
					for _, second := range []string{"/token", "/introspect", "/revoke", "/par"} {
						quiet(t, x.form(t, second, form))
					}
				}
			}
		},
		"two clients may use the same jti": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, nil)
			for _, s := range []asserter{x.keyed, x.remote, x.shared} {
				x.send(s.assertion(map[string]any{"jti": "1"})).tokens(t)
				quiet(t, x.send(s.assertion(map[string]any{"jti": "1"})))
			}
		},
		"it is remembered as long as it is good": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, nil)
			assertion := x.keyed.assertion(map[string]any{"exp": x.clock.Now().Add(time.Hour).Unix()})
			x.send(assertion).tokens(t)
			for range 10 {
				if _, err := x.store.Prune(t.Context(), x.clock.Now(), 1000); err != nil {
					t.Fatal(err)
				}
				quiet(t, x.send(assertion))
				x.clock.Pass(7 * time.Minute)
			}
		},
		"what was refused for another reason has not used it up": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, nil)
			for _, s := range []asserter{x.keyed, x.remote, x.shared} {
				assertion := s.assertion(nil)
				code := x.code(party{s.id, "", "", callback})
				p := party{s.id, "", "", callback}
				x.send(assertion, "scope", "unheard-of").refused(t, 400, "invalid_scope")
				x.send(assertion, "grant_type", "unheard-of").refused(t, 400, "unsupported_grant_type")
				x.form(t, "/introspect", asserted(url.Values{}, assertion)).refused(t, 400, "invalid_request")
				x.form(t, "/token", asserted(with(p.exchange(code), "code_verifier", "wrong-verifier-0123456789-0123456789-0123456789"), assertion)).refused(t, 400, "invalid_grant")
				x.form(t, "/token", asserted(with(p.exchange(code), "redirect_uri", "https://evil.example/cb"), assertion)).refused(t, 400, "invalid_grant")
				got := x.form(t, "/token", asserted(p.exchange(code), assertion)).tokens(t)
				x.form(t, "/revoke", asserted(url.Values{"token": {got.Access}}, assertion)).refused(t, 400, "invalid_client")
				x.alive(got.Access)
				x.form(t, "/token", asserted(refreshing(got.Refresh), s.assertion(nil))).tokens(t)
			}
		},
		"a store that fails has not used it up": func(t *testing.T, a Adapter) {
			for _, method := range []string{"Client", "Grant", "GrantByKey", "SigningKeys"} {
				var faulty *faultyStore
				x := newAsserting(t, a, func(s *setup, c map[string]*store.Client) {
					faulty = &faultyStore{Store: s.Store, err: errStore}
					s.Store = faulty
					if method == "SigningKeys" {
						c["keyed"].Policy.TokenFormat = "jwt"
					}
				})
				if method == "Client" {
					x.keep(&store.Client{ID: "kept", Metadata: x.fixed("keyed").Metadata})
					x.keyed.id = "kept"
				}
				p := party{x.keyed.id, "", "", callback}
				form := asserted(p.exchange(x.code(p)), x.keyed.assertion(nil))
				if method == "Grant" {
					form = asserted(ownToken(), x.keyed.assertion(nil))
				}
				faulty.method.Store(&method)
				if ans := x.form(t, "/token", form); ans.Status != 500 {
					t.Errorf("%s fails: %d %s", method, ans.Status, ans.Body)
				}
				faulty.method.Store(nil)
				if ans := x.form(t, "/token", form); ans.Status != 200 {
					t.Errorf("after %s failed: %d %s", method, ans.Status, ans.Body)
				}
			}
		},
		"the hooks hear of one that is refused": func(t *testing.T, a Adapter) {
			rec := &recorder{}
			x := newAsserting(t, a, func(s *setup, _ map[string]*store.Client) {
				s.Hooks = mandate.Hooks{On: func(_ context.Context, e mandate.Event) { rec.note("%s %s %t", e.Name, e.ClientID, e.Err != nil) }}
			})
			assertion := x.keyed.assertion(nil)
			x.send(assertion).tokens(t)
			if got, want := rec.take(), "client.authenticated keyed false, token.issued keyed false"; got != want {
				t.Errorf("events = %q, want %q", got, want)
			}
			quiet(t, x.send(assertion))
			if got, want := rec.take(), "client.authenticated keyed false, client.refused keyed true, request.refused keyed true"; got != want {
				t.Errorf("events of a replay = %q, want %q", got, want)
			}
			quiet(t, x.send(x.keyed.assertion(map[string]any{"aud": "x"})))
			quiet(t, x.send("a.b.c"))
			if got, want := rec.take(), "client.refused keyed true, client.refused  true"; got != want {
				t.Errorf("events of what is wrong = %q, want %q", got, want)
			}
		},
		"of 64 that send one assertion one gets a token": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, nil)
			lines := x.dial(t)
			for round := range fewer(a).Rounds {
				s := []asserter{x.keyed, x.shared}[round%2]
				answers, err := x.crowd(lines, party{id: s.id}, asserted(ownToken(), s.assertion(nil)))
				if err != nil {
					t.Fatal(err)
				}
				good := 0
				for _, ans := range answers {
					switch ans.Status {
					case 200:
						good++
					default:
						quiet(t, ans)
					}
				}
				if good != 1 || t.Failed() {
					t.Fatalf("round %d: %d tokens for one assertion", round, good)
				}
			}
		},
	}
}

// fixed returns a client of the configuration.
func (w *world) fixed(id string) *store.Client {
	for _, c := range w.srv.FixedClients() {
		if c.ID == id {
			return c
		}
	}
	w.t.Fatalf("no client %q", id)
	return nil
}
