package resource_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/fetch"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

// The keys of an issuer are found through its metadata. Here the network is a map; without a Fetcher it is the network.
func ExampleNewRemoteKeys() {
	key, err := jose.NewKey(jose.EdDSA, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), "k1")
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := jose.NewKeySet(key.Public()).MarshalJSON()
	if err != nil {
		fmt.Println(err)
		return
	}
	network, err := fetch.New(fetch.Config{Documents: map[string]string{
		"https://id.example.com/.well-known/oauth-authorization-server": `{"issuer":"https://id.example.com","jwks_uri":"https://id.example.com/jwks"}`,
		"https://id.example.com/jwks":                                   string(set),
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := resource.NewRemoteKeys(resource.RemoteConfig{Issuer: "https://id.example.com", Fetcher: network, Outage: time.Hour})
	if err != nil {
		fmt.Println(err)
		return
	}
	guard, err := resource.New(resource.Config{
		Audience:  "https://api.example.com",
		Verifiers: []resource.Verifier{resource.JWT{Issuer: "https://id.example.com", Keys: keys}}, // without Keys: those of the issuer, by default
		Now:       func() time.Time { return time.Unix(1_800_000_000, 0) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	raw, err := jose.Sign(key, "at+jwt", []byte(`{"iss":"https://id.example.com","aud":"https://api.example.com","sub":"ann","client_id":"web","iat":1800000000,"exp":1800000600,"jti":"1"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	tok, _ := guard.Check(context.Background(), resource.Credentials{Authorization: "Bearer " + raw}, guard.Rule(mandate.Scope(), false))
	fmt.Println(tok.Subject(), tok.Issuer())
	// Output: ann https://id.example.com
}

// asking answers as an introspection endpoint does.
type asking struct{ revoked bool }

// Fetch implements mandate.Fetcher.
func (a *asking) Fetch(_ context.Context, r *mandate.FetchRequest) (*mandate.Response, error) {
	fmt.Println("asked by", r.Purpose)
	if a.revoked {
		return &mandate.Response{Status: 200, Body: []byte(`{"active":false}`)}, nil
	}
	return &mandate.Response{Status: 200, Body: []byte(`{"active":true,"token_type":"Bearer","sub":"ann","client_id":"web","aud":"https://api.example.com"}`)}, nil
}

// A server is asked about a token once; who learns that it was revoked tells the guard.
func ExampleGuard_Forget() {
	server := &asking{}
	guard, err := resource.New(resource.Config{
		Audience: "https://api.example.com",
		Verifiers: []resource.Verifier{resource.Introspection{
			Endpoint: "https://id.example.com/introspect", ClientID: "orders-api", Secret: "s3cr3t", Fetcher: server,
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	rule := guard.Rule(mandate.Scope(), false)
	check := func() {
		tok, refusal := guard.Check(context.Background(), resource.Credentials{Authorization: "Bearer opaque"}, rule)
		if refusal != nil {
			fmt.Println(refusal.Status)
			return
		}
		fmt.Println(tok.Subject())
	}
	check()
	check()
	server.revoked = true
	guard.Forget(mandate.DigestOf("opaque"))
	check()
	// Output:
	// asked by introspection
	// ann
	// ann
	// asked by introspection
	// 401
}
