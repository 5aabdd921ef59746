package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/fetch"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// site is a client's web site.
type site struct {
	mu     sync.Mutex
	asked  int
	last   *mandate.FetchRequest
	delay  time.Duration
	answer *mandate.Response
	err    error
	faults atomic.Int64
}

func (s *site) Fetch(ctx context.Context, r *mandate.FetchRequest) (*mandate.Response, error) {
	s.mu.Lock()
	s.asked++
	s.last = r
	answer, err, delay := s.answer, s.err, s.delay
	s.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return answer, err
}

func (s *site) serve(status int, body string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer, s.err = &mandate.Response{Status: status, Body: []byte(body)}, err
}

func (s *site) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func newKey(t *testing.T, kid string) *jose.Key {
	t.Helper()
	fresh, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := fresh.MarshalJWK()
	if err != nil {
		t.Fatal(err)
	}
	key, err := jose.ParseJWK(bytes.Replace(jwk, []byte(`"kid":"`+fresh.ID()+`"`), []byte(`"kid":"`+kid+`"`), 1))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func keySet(t *testing.T, keys ...*jose.Key) string {
	t.Helper()
	var public []*jose.PublicKey
	for _, k := range keys {
		public = append(public, k.Public())
	}
	text, err := json.Marshal(jose.NewKeySet(public...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func signed(t *testing.T, key *jose.Key) string {
	t.Helper()
	token, err := jose.Sign(key, "JWT", []byte(`{"iss":"c"}`))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func withSite(t *testing.T, f mandate.Fetcher, on func(context.Context, mandate.Event)) *server.Server {
	t.Helper()
	s, err := server.New(server.Config{
		Issuer: "http://localhost", Store: struct{ store.Store }{}, GrantTypes: []server.GrantType{server.ClientCredentials()}, Fetcher: f, Hooks: mandate.Hooks{On: on},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func atSite(uri string) *store.Client {
	return &store.Client{ID: "c", Metadata: oauth2.ClientMetadata{JWKSURI: uri}}
}

// keysCase is a client whose keys are at a site.
type keysCase struct {
	*testing.T
	site   *site
	verify func(token string) error
}

func TestClientKeys(t *testing.T) {
	t.Parallel()
	const uri = "https://client.example/jwks"
	algs := []jose.Alg{jose.ES256}
	one, two := newKey(t, "one"), newKey(t, "two")
	for name, run := range map[string]func(t keysCase){
		"the first token fetches, the next thousand do not": func(t keysCase) {
			for range 1000 {
				if err := t.verify(signed(t.T, one)); err != nil {
					t.Fatal(err)
				}
			}
			if t.site.requests() != 1 || t.site.last.Trust != mandate.Untrusted || t.site.last.Purpose != "jwks" || t.site.last.URL != uri || t.site.last.MaxBytes == 0 {
				t.Errorf("%d fetches, the last %+v", t.site.requests(), t.site.last)
			}
		},
		"64 at once cause one fetch": func(t keysCase) {
			t.site.delay = time.Second
			var all sync.WaitGroup
			for range 64 {
				all.Go(func() {
					if err := t.verify(signed(t.T, one)); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if t.site.requests() != 1 {
				t.Errorf("%d fetches, want 1", t.site.requests())
			}
		},
		"after ten minutes they are fetched anew and nobody waits": func(t keysCase) {
			_ = t.verify(signed(t.T, one))
			t.site.delay = time.Second
			time.Sleep(10 * time.Minute)
			begin := time.Now()
			if err := t.verify(signed(t.T, one)); err != nil || time.Since(begin) != 0 {
				t.Errorf("%v after %v", err, time.Since(begin))
			}
			time.Sleep(2 * time.Second)
			if t.site.requests() != 2 {
				t.Errorf("%d fetches, want 2", t.site.requests())
			}
		},
		"a key that was taken back does not count for the first who asks after a night": func(t keysCase) {
			_ = t.verify(signed(t.T, one))
			t.site.serve(200, keySet(t.T, two), nil)
			time.Sleep(12 * time.Hour)
			if err := t.verify(signed(t.T, one)); !errors.Is(err, jose.ErrInvalid) {
				t.Errorf("12 hours after it was taken back: %v", err)
			}
		},
		"after a night with an outage nobody waits long": func(t keysCase) {
			_ = t.verify(signed(t.T, one))
			t.site.delay = time.Hour
			time.Sleep(12 * time.Hour)
			begin := time.Now()
			if err := t.verify(signed(t.T, one)); err != nil || time.Since(begin) > 3*time.Second {
				t.Errorf("%v after %v", err, time.Since(begin))
			}
			time.Sleep(5 * time.Second) // the fetch has failed
			begin = time.Now()
			if err := t.verify(signed(t.T, one)); err != nil || time.Since(begin) != 0 {
				t.Errorf("the next one: %v after %v", err, time.Since(begin))
			}
		},
		"a new key is fetched for at once, and a made-up one once a minute": func(t keysCase) {
			_ = t.verify(signed(t.T, one))
			t.site.serve(200, keySet(t.T, one, two), nil)
			if err := t.verify(signed(t.T, two)); err != nil {
				t.Errorf("new key: %v", err)
			}
			stranger := newKey(t.T, "stranger")
			for range 100 {
				if err := t.verify(signed(t.T, stranger)); !errors.Is(err, jose.ErrInvalid) {
					t.Fatalf("stranger's key: %v", err)
				}
			}
			if t.site.requests() != 2 {
				t.Errorf("%d fetches, want 2", t.site.requests())
			}
			time.Sleep(time.Minute)
			_ = t.verify(signed(t.T, stranger))
			if t.site.requests() != 3 {
				t.Errorf("%d fetches after a minute, want 3", t.site.requests())
			}
		},
		"a token without kid asks for newer keys too": func(t keysCase) {
			_ = t.verify(signed(t.T, one))
			t.site.serve(200, keySet(t.T, two), nil)
			if err := t.verify(withoutKID(t.T, two)); err != nil {
				t.Error(err)
			}
		},
		"a wrong signature of a known key fetches nothing": func(t keysCase) {
			_ = t.verify(signed(t.T, one))
			if err := t.verify(signed(t.T, newKey(t.T, "one"))); !errors.Is(err, jose.ErrInvalid) {
				t.Error(err)
			}
			if t.site.requests() != 1 {
				t.Errorf("%d fetches, want 1", t.site.requests())
			}
		},
		"while the site is down the old keys count for a day, and the hooks hear": func(t keysCase) {
			_ = t.verify(signed(t.T, one))
			t.site.serve(503, "", nil)
			for range 24 * 6 {
				time.Sleep(10 * time.Minute)
				if err := t.verify(signed(t.T, one)); err != nil {
					t.Fatal(err)
				}
			}
			if t.site.faults.Load() == 0 {
				t.Error("the hooks heard nothing")
			}
			time.Sleep(20 * time.Minute)
			if err := t.verify(signed(t.T, one)); !errors.Is(err, mandate.TemporarilyUnavailable) || errors.Is(err, jose.ErrInvalid) {
				t.Errorf("after a day: %v", err)
			}
		},
		"a site that never answered is nobody's verdict": func(t keysCase) {
			t.site.delay = time.Hour
			begin := time.Now()
			if err := t.verify(signed(t.T, one)); !errors.Is(err, mandate.TemporarilyUnavailable) || time.Since(begin) > 5*time.Second {
				t.Errorf("%v after %v", err, time.Since(begin))
			}
		},
		"a key that the site cannot be asked for is not valid": func(t keysCase) {
			_ = t.verify(signed(t.T, one))
			t.site.serve(0, "", errors.New("connection refused"))
			if err := t.verify(signed(t.T, two)); !errors.Is(err, jose.ErrInvalid) {
				t.Error(err)
			}
			if err := t.verify(signed(t.T, one)); err != nil {
				t.Errorf("old key: %v", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &site{}
				f.serve(200, keySet(t, one), nil)
				s := withSite(t, f, func(_ context.Context, e mandate.Event) {
					if e.Name == mandate.Fault && errors.Is(e.Err, mandate.TemporarilyUnavailable) {
						f.faults.Add(1)
					}
				})
				run(keysCase{t, f, func(token string) error {
					_, _, err := s.VerifyByClient(t.Context(), atSite(uri), token, algs)
					return err
				}})
			})
		})
	}
}

// withoutKID returns a token of key that does not say which key signed it.
func withoutKID(t *testing.T, key *jose.Key) string {
	t.Helper()
	token, err := jose.SignEmbedded(key, "JWT", []byte(`{"iss":"c"}`)) // the key in its header counts for nothing
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestClientKeysWithoutKeys(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		err    error
	}{
		"refused by the guard": {0, "", fmt.Errorf("address: %w", fetch.ErrRefused)},
		"too large":            {0, "", fetch.ErrTooLarge},
		"larger than asked":    {200, strings.Repeat(" ", 70<<10), nil},
		"not found":            {404, "", nil},
		"a page":               {200, "<html>", nil},
		"no key":               {200, `{"keys":[]}`, nil},
		"secrets":              {200, `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &site{}
			f.serve(c.status, c.body, c.err)
			_, _, err := withSite(t, f, nil).VerifyByClient(t.Context(), atSite("https://client.example/jwks"), signed(t, newKey(t, "one")), jose.Asymmetric())
			if !errors.Is(err, jose.ErrInvalid) {
				t.Errorf("%v, want ErrInvalid", err)
			}
		})
	}
}

func TestClientKeysInline(t *testing.T) {
	t.Parallel()
	f := &site{}
	s := withSite(t, f, nil)
	one, two := newKey(t, "one"), newKey(t, "two")
	c := &store.Client{ID: "c", Metadata: oauth2.ClientMetadata{JWKS: json.RawMessage(keySet(t, one))}}
	verify := func(c *store.Client, key *jose.Key, algs ...jose.Alg) error {
		_, _, err := s.VerifyByClient(t.Context(), c, signed(t, key), algs)
		return err
	}
	if err := verify(c, one, jose.ES256); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"other key":         verify(c, two, jose.ES256),
		"other algorithm":   verify(c, one, jose.PS256),
		"no algorithm":      verify(c, one),
		"client of no keys": verify(&store.Client{ID: "d"}, one, jose.ES256),
		"no JWKS":           verify(&store.Client{ID: "e", Metadata: oauth2.ClientMetadata{JWKS: json.RawMessage(`{}`)}}, one, jose.ES256),
	} {
		if !errors.Is(err, jose.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
	changed := c.Clone()
	changed.Metadata.JWKS = json.RawMessage(keySet(t, two))
	if err := verify(changed, two, jose.ES256); err != nil {
		t.Errorf("keys that were changed: %v", err)
	}
	if err := verify(changed, one, jose.ES256); !errors.Is(err, jose.ErrInvalid) {
		t.Errorf("key that was taken away: %v", err)
	}
	if f.requests() != 0 {
		t.Errorf("%d fetches for inline keys", f.requests())
	}
}

func TestClientKeysAreBounded(t *testing.T) {
	t.Parallel()
	key := newKey(t, "one")
	token := signed(t, key)
	f := &site{}
	f.serve(200, keySet(t, key), nil)
	s := withSite(t, f, nil)
	for i := range server.MaxKeysRemembered + 100 {
		for _, uri := range []string{"https://client.example/used", fmt.Sprintf("https://client.example/%d", i)} {
			if _, _, err := s.VerifyByClient(t.Context(), atSite(uri), token, jose.Asymmetric()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := s.KeysRemembered(); n != server.MaxKeysRemembered {
		t.Errorf("keys of %d clients are remembered, want %d", n, server.MaxKeysRemembered)
	}
	if n := f.requests(); n != server.MaxKeysRemembered+101 {
		t.Errorf("%d fetches: what is used all the time was forgotten", n)
	}
}
