package server_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"math/big"
	"net/http"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// forgetful is a store that holds every nonce for new.
type forgetful struct{ nowhere }

func (forgetful) UseOnce(context.Context, string, mandate.Digest, time.Time, time.Time) error {
	return nil
}

// ownMethod is a signature method of an application, which is right with a certain secret, and a public key or none.
type ownMethod struct {
	secret string
	public bool
}

func (ownMethod) Name() string                              { return "OWN" }
func (ownMethod) Sign(string, *oauth1.Keys) (string, error) { return "own", nil }

func (o ownMethod) Verify(_, _ string, k *oauth1.Keys) error {
	if _, public := k.Public.(*rsa.PublicKey); k.ClientSecret != o.secret || public != o.public {
		return oauth1.ErrSignature
	}
	return nil
}

// TestOAuth1Keys looks at what a client may have signed with: each of its secrets, and each of its keys where the method may need one.
func TestOAuth1Keys(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	jwks := `{"keys":[{"kty":"RSA","kid":"1","e":"` + base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()) +
		`","n":"` + base64.RawURLEncoding.EncodeToString(key.N.Bytes()) + `"}]}`
	two := []store.Secret{server.ClearSecret("first"), server.ClearSecret("second")}
	ended := server.ClearSecret("second")
	ended.Expires = time.Now().Add(-time.Minute)
	for name, tc := range map[string]struct {
		secrets []store.Secret
		jwks    string
		method  oauth1.Method // of the server
		signed  oauth1.Method
		keys    oauth1.Keys // of the client
		good    bool
	}{
		"the first of two secrets":             {two, "", oauth1.HMACSHA1, oauth1.HMACSHA1, oauth1.Keys{ClientSecret: "first"}, true},
		"the second of two":                    {two, "", oauth1.HMACSHA256, oauth1.HMACSHA256, oauth1.Keys{ClientSecret: "second"}, true},
		"neither of two":                       {two, "", oauth1.HMACSHA512, oauth1.HMACSHA512, oauth1.Keys{ClientSecret: "third"}, false},
		"no secret at all":                     {two, "", oauth1.HMACSHA1, oauth1.HMACSHA1, oauth1.Keys{}, false},
		"one that has ended":                   {[]store.Secret{two[0], ended}, "", oauth1.HMACSHA1, oauth1.HMACSHA1, oauth1.Keys{ClientSecret: "second"}, false},
		"a key":                                {nil, jwks, oauth1.RSASHA256, oauth1.RSASHA256, oauth1.Keys{Private: key}, true},
		"a key, beside secrets":                {two, jwks, oauth1.RSASHA1, oauth1.RSASHA1, oauth1.Keys{Private: key}, true},
		"no key, where one is needed":          {two, "", oauth1.RSASHA1, oauth1.RSASHA1, oauth1.Keys{Private: key}, false},
		"a secret, where there are keys alone": {nil, jwks, oauth1.HMACSHA1, oauth1.HMACSHA1, oauth1.Keys{}, false},
		"an own method with a secret":          {two, "", ownMethod{"second", false}, ownMethod{}, oauth1.Keys{}, true},
		"an own method with a key":             {nil, jwks, ownMethod{"", true}, ownMethod{}, oauth1.Keys{}, true},
		"an own method with both":              {two, jwks, ownMethod{"second", true}, ownMethod{}, oauth1.Keys{}, true},
		"an own method with neither":           {two, "", ownMethod{"", false}, ownMethod{}, oauth1.Keys{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method := ""
			if tc.secrets == nil {
				method = "private_key_jwt"
			}
			srv, err := server.New(server.Config{
				Issuer: "https://id.example.com", Store: forgetful{}, Secret: mandate.NewRandomSecret(),
				OAuth1: &server.OAuth1{Methods: []oauth1.Method{tc.method}},
				SignIn: func(context.Context, string, string) (server.User, error) { return server.User{}, nil },
				Clients: []*store.Client{{ID: "printer", Secrets: tc.secrets, Metadata: oauth2.ClientMetadata{
					GrantTypes: []string{server.GrantTypeOAuth1, "client_credentials"}, AuthMethod: method, JWKS: []byte(tc.jwks), RedirectURIs: []string{"https://printer.example.com/cb"},
				}}},
				Scopes: []server.Scope{{Name: "photos"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			s, err := oauth1.NewSigner(oauth1.SignerConfig{ConsumerKey: "printer", Method: tc.signed, Keys: tc.keys})
			if err != nil {
				t.Fatal(err)
			}
			out, err := s.Sign(oauth1.Outgoing{Method: http.MethodGet, URL: "https://api.example.com/photos"})
			if err != nil {
				t.Fatal(err)
			}
			r := &mandate.Request{Method: http.MethodGet, Path: "/photos", Header: http.Header{"Authorization": {out.Authorization}}}
			token, err := srv.VerifySigned(t.Context(), r, "https://api.example.com", time.Now())
			if tc.good && (err != nil || token.ClientID() != "printer") {
				t.Errorf("VerifySigned() = %v, %v, want a token of the client", token, err)
			}
			r.Path += "?size=big" // where a query is none, to whoever looks for one
			if _, err := srv.VerifySigned(t.Context(), r, "https://api.example.com", time.Now()); !errors.Is(err, oauth1.ParameterRejected) {
				t.Errorf("VerifySigned() with a query in the path = %v, want %s", err, oauth1.ParameterRejected)
			}
			if e, ok := errors.AsType[*oauth1.Error](err); !tc.good && (!ok || e.Code != oauth1.SignatureInvalid || e.Status() != 401) {
				t.Errorf("VerifySigned() = %v, want %s and 401", err, oauth1.SignatureInvalid)
			}
		})
	}
}
