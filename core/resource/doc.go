// Package resource is the resource server: it guards APIs. A [Guard] verifies access tokens, checks what a route
// demands of them, and makes the exact refusal (RFC 6750, RFC 9470) where they do not meet it. It knows no
// framework; the adapters do the reading and writing.
//
//	guard, err := resource.New(resource.Config{
//		Audience:  "https://api.example.com",
//		Verifiers: []resource.Verifier{resource.Of(srv)},
//	})
//	auth := mandategin.New(guard)
//	r.GET("/user", auth.Require("profile", "email"), showUser)
//
// Where the tokens come from is a [Verifier]: [Of] takes those of an authorization server in the same process, [JWT]
// those of any issuer that signs them (RFC 9068), with [Keycloak], [Auth0], [Entra], [Okta], [Cognito] and [Google] for the ways of these, [Introspection]
// those of a server that is asked about them (RFC 7662), [Lookup] an application's own.
package resource
