package providers

import (
	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
)

// orPost is how c authenticates at a provider that takes the secret in the form alone, unless the application says otherwise.
func orPost(c client.Credentials) string {
	if c.Method == "" && c.Secret != "" {
		return client.MethodPost
	}
	return c.Method
}

// bearer is the header of a request with tok.
func bearer(tok *oauth2.Token) mandate.Fields {
	return mandate.Fields{{Name: "Authorization", Value: "Bearer " + tok.AccessToken}}
}
