package nethttp_test

import (
	"context"
	"errors"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

const opaque = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"

var errUnknown = mandate.Errorf(mandate.InvalidToken, errors.New("not in the store"), "")

// newGuard takes the tokens of infos by name, and opaque.
func newGuard(t *testing.T, infos map[string]mandate.TokenInfo, change func(*resource.Config)) *resource.Guard {
	t.Helper()
	list := map[mandate.Digest]*mandate.Token{
		mandate.DigestOf(opaque): mandate.NewToken(mandate.TokenInfo{Subject: "ann", ClientID: "web", Scopes: "profile email"}),
	}
	for raw, info := range infos {
		list[mandate.DigestOf(raw)] = mandate.NewToken(info)
	}
	c := resource.Config{
		Verifiers: []resource.Verifier{resource.Lookup(func(_ context.Context, raw string, _ time.Time) (*mandate.Token, error) {
			if tok := list[mandate.DigestOf(raw)]; tok != nil {
				return tok, nil
			}
			return nil, errUnknown
		})},
		User: func(_ context.Context, tok *mandate.Token) (any, error) { return "user " + tok.Subject(), nil },
	}
	if change != nil {
		change(&c)
	}
	g, err := resource.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}
