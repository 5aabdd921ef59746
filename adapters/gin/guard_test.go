package mandategin_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

const opaque = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"

var errUnknown = mandate.Errorf(mandate.InvalidToken, errors.New("not in the store"), "")

// newGuard takes the token opaque and those of infos by name.
func newGuard(t *testing.T, infos map[string]mandate.TokenInfo) *resource.Guard {
	t.Helper()
	gin.SetMode(gin.ReleaseMode)
	list := map[mandate.Digest]*mandate.Token{
		mandate.DigestOf(opaque): mandate.NewToken(mandate.TokenInfo{Subject: "ann", ClientID: "web", Scopes: "profile email"}),
	}
	for raw, info := range infos {
		list[mandate.DigestOf(raw)] = mandate.NewToken(info)
	}
	g, err := resource.New(resource.Config{
		Verifiers: []resource.Verifier{resource.Lookup(func(_ context.Context, raw string, _ time.Time) (*mandate.Token, error) {
			if tok := list[mandate.DigestOf(raw)]; tok != nil {
				return tok, nil
			}
			return nil, errUnknown
		})},
		User: func(_ context.Context, tok *mandate.Token) (any, error) { return "user " + tok.Subject(), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}
