// Package mandatetest is for the tests of applications that use Mandate. Nothing in it needs a network.
//
// A handler behind a guard is tested with tokens that the test makes:
//
//	guard, tokens := mandatetest.Guard(t)
//	r := newRouter(mandategin.New(guard)) // the application's own, on any framework
//	req := httptest.NewRequest("GET", "/profile", nil)
//	req.Header.Set("Authorization", tokens.Bearer(mandate.TokenInfo{Subject: "u1", Scopes: "profile"}))
//	rec := httptest.NewRecorder()
//	r.ServeHTTP(rec, req)
//
// [NewIssuer] is an issuer of JWT access tokens for guards with a [resource.JWT] verifier. [NewProvider] is a whole
// authorization server that approves everything, for tests of the code flow, of own grant types and extensions. [StoreToken] puts
// a token into a store, for guards with a [resource.Of] verifier.
//
// Functions and methods that take a testing.TB end that test where something is wrong with the arrangement. Never use any of
// it outside tests.
package mandatetest
