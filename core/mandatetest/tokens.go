package mandatetest

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// ClientID is the client of tokens that name no other.
const ClientID = "test-client"

// prefix is what tokens of [Tokens] begin with.
const prefix = "mandatetest_"

// Guard returns a guard and the tokens that it takes: those that the test makes. Of several configs the last counts; hand over the
// application's own to test with its audience, users and hooks. Its Verifiers are replaced. Without a config the guard is called
// "https://api.test".
func Guard(tb testing.TB, config ...resource.Config) (*resource.Guard, *Tokens) {
	tb.Helper()
	c := resource.Config{Audience: Audience}
	if n := len(config); n > 0 {
		c = config[n-1]
	}
	tokens := &Tokens{}
	c.Verifiers = []resource.Verifier{tokens}
	guard, err := resource.New(c)
	if err != nil {
		tb.Fatalf("mandatetest: %v", err)
	}
	return guard, tokens
}

// Tokens are opaque access tokens that a test makes. A *Tokens is a [resource.Verifier] of one guard; its zero value has no
// tokens. It may be used by any number of goroutines.
type Tokens struct {
	mu       sync.RWMutex // guards the rest
	audience string       // of the guard
	live     map[string]*mandate.Token
}

var _ resource.Verifier = (*Tokens)(nil)

// Issue returns a new token that is what info says. Where info is silent, the token is for the guard's audience, of the client
// [ClientID], made now, and good for one hour; without a Subject the client acts for itself. A time in the past makes a
// token that has expired.
func (k *Tokens) Issue(info mandate.TokenInfo) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(info.Audience) == 0 && k.audience != "" {
		info.Audience = []string{k.audience}
	}
	raw := prefix + rand.Text()
	if k.live == nil {
		k.live = make(map[string]*mandate.Token)
	}
	k.live[raw] = mandate.NewToken(complete(info, time.Hour))
	return raw
}

// Bearer is [Tokens.Issue] as the value of an Authorization header field.
func (k *Tokens) Bearer(info mandate.TokenInfo) string { return "Bearer " + k.Issue(info) }

// Revoke ends a token that [Tokens.Issue] returned, with or without "Bearer " before it.
func (k *Tokens) Revoke(raw string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.live, strings.TrimPrefix(raw, "Bearer "))
}

// Open implements [resource.Verifier].
func (k *Tokens) Open(s resource.Settings) (resource.Opened, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.audience != "" && k.audience != s.Audience {
		return resource.Opened{}, errors.New("mandatetest: Tokens belong to one guard: make others for the guard of another audience")
	}
	k.audience = s.Audience
	return resource.Opened{
		Name:   "tokens of a test",
		Match:  func(raw string) bool { return strings.HasPrefix(raw, prefix) },
		Verify: k.verify,
	}, nil
}

func (k *Tokens) verify(_ context.Context, raw string, _ time.Time) (*mandate.Token, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if t := k.live[raw]; t != nil {
		return t, nil
	}
	return nil, mandate.Errorf(mandate.InvalidToken, errors.New("the test did not make this token, or revoked it"), "")
}

// complete returns info with what a token needs.
func complete(info mandate.TokenInfo, life time.Duration) mandate.TokenInfo {
	now := time.Now() //nolint:forbidigo // the clock of a test, which synctest holds
	if info.ClientID == "" {
		info.ClientID = ClientID
	}
	if info.IssuedAt.IsZero() {
		info.IssuedAt = now
	}
	if info.Expires.IsZero() {
		info.Expires = now.Add(life)
	}
	return info
}
