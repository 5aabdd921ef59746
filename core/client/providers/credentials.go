package providers

import "github.com/go-mandate/mandate/core/client"

// orPost is how c authenticates at a provider that takes the secret in the form alone, unless the application says otherwise.
func orPost(c client.Credentials) string {
	if c.Method == "" && c.Secret != "" {
		return client.MethodPost
	}
	return c.Method
}
