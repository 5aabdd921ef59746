// Package oidc is OpenID Connect on the wire: the claims, what an ID token and a logout token must prove, and what a provider says about itself.
// It does no I/O of its own.
package oidc
