package resource_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

// An application's own tokens, here from a map.
func ExampleLookup() {
	own := map[mandate.Digest]string{mandate.DigestOf("s3cr3t"): "ann"} // digests: a dump gives nothing away
	guard, err := resource.New(resource.Config{
		Verifiers: []resource.Verifier{resource.Lookup(func(_ context.Context, raw string, _ time.Time) (*mandate.Token, error) {
			subject, ok := own[mandate.DigestOf(raw)]
			if !ok {
				return nil, mandate.InvalidToken
			}
			return mandate.NewToken(mandate.TokenInfo{Subject: subject, ClientID: "app", Scopes: "profile"}), nil
		})},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	rule := guard.Rule(mandate.Scope("profile"), false)
	tok, _ := guard.Check(context.Background(), resource.Credentials{Authorization: "Bearer s3cr3t"}, rule)
	fmt.Println(tok.Subject())
	_, refusal := guard.Check(context.Background(), resource.Credentials{Authorization: "Bearer guess"}, rule)
	fmt.Println(refusal.Status, refusal.Header.Get("WWW-Authenticate")[:28])
	// Output:
	// ann
	// 401 Bearer error="invalid_token"
}

// Tokens of an issuer elsewhere, which are for another API. The peer is told nothing of it, the log all.
func ExampleLogRefusals() {
	key, err := jose.NewKey(jose.EdDSA, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), "k1")
	if err != nil {
		fmt.Println(err)
		return
	}
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	guard, err := resource.New(resource.Config{
		Audience:  "shop-api",
		Verifiers: []resource.Verifier{resource.JWT{Issuer: "https://id.example.com", Keys: resource.FixedKeys(jose.NewKeySet(key.Public()))}},
		Hooks:     resource.LogRefusals(logger),
		Now:       func() time.Time { return time.Unix(1_800_000_000, 0) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	raw, err := jose.Sign(key, "at+jwt", []byte(`{"iss":"https://id.example.com","aud":"account","sub":"ann","client_id":"web","iat":1800000000,"exp":1800000600,"jti":"1"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, refusal := guard.Check(context.Background(), resource.Credentials{Authorization: "Bearer " + raw}, guard.Rule(mandate.Scope(), false))
	fmt.Println(refusal.Status, errors.Is(refusal.Err, mandate.InvalidToken))
	// Output:
	// level=INFO msg="access refused" code=invalid_token cause="aud is [\"account\"], this API is \"shop-api\": have the client ask for it (resource), add an audience mapper at the issuer, or correct resource.Config.Audience" client=web
	// 401 true
}
