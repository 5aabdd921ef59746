package docs

import "github.com/go-mandate/mandate/core/resource"

// Keycloak is a guard for the tokens of a realm.
func Keycloak() (*resource.Guard, error) {
	// doc:start provider-keycloak
	guard, err := resource.New(resource.Config{
		Audience:  "shop-api", // the client that stands for this API
		Verifiers: []resource.Verifier{resource.Keycloak{URL: "https://sso.example.com", Realm: "shop"}},
	})
	// doc:end
	return guard, err
}

// Auth0 is a guard for the tokens of a tenant.
func Auth0() (*resource.Guard, error) {
	// doc:start provider-auth0
	guard, err := resource.New(resource.Config{
		Audience:  "https://api.example.com", // the API's identifier
		Verifiers: []resource.Verifier{resource.Auth0{Domain: "shop.eu.auth0.com"}},
	})
	// doc:end
	return guard, err
}

// Entra is a guard for the tokens of a tenant.
func Entra() (*resource.Guard, error) {
	// doc:start provider-entra
	guard, err := resource.New(resource.Config{
		Audience:  "6e74172b-be56-4843-9ff4-e66a39bb12e3", // the API's client id
		Verifiers: []resource.Verifier{resource.Entra{Tenant: "72f988bf-86f1-41af-91ab-2d7cd011db47"}},
	})
	// doc:end
	return guard, err
}

// Okta is a guard for the tokens of an authorization server.
func Okta() (*resource.Guard, error) {
	// doc:start provider-okta
	guard, err := resource.New(resource.Config{
		Audience:  "api://default",
		Verifiers: []resource.Verifier{resource.Okta{Domain: "shop.okta.com"}}, // its server "default"
	})
	// doc:end
	return guard, err
}

// Cognito is a guard for the tokens of a user pool.
func Cognito() (*resource.Guard, error) {
	// doc:start provider-cognito
	guard, err := resource.New(resource.Config{
		Audience: "https://api.example.com", // for tokens that name an audience; most do not
		Verifiers: []resource.Verifier{resource.Cognito{
			UserPool: "eu-central-1_AbCdEfGhI",
			Clients:  []string{"1h57kf5cpq17m0eml12EXAMPLE"}, // whose tokens this API takes instead
		}},
	})
	// doc:end
	return guard, err
}

// Google is a guard for ID tokens.
func Google() (*resource.Guard, error) {
	// doc:start provider-google
	guard, err := resource.New(resource.Config{
		Audience:  "1234987819200.apps.googleusercontent.com", // the backend's client id
		Verifiers: []resource.Verifier{resource.Google{Domains: []string{"example.com"}}},
	})
	// doc:end
	return guard, err
}

// Tuned is a verifier with what goes beyond its dialect.
func Tuned(keys resource.KeySource) resource.Verifier {
	// doc:start provider-tuned
	verifier := resource.Keycloak{
		URL: "https://sso.example.com", Realm: "shop",
		Clients: []string{"shop-api", "shop-web"}, // whose roles count
		JWT: resource.JWT{
			Keys:     keys,   // instead of those that the realm publishes
			Remember: 50_000, // verified tokens; -1 to verify each time
		},
	}
	// doc:end
	return verifier
}
