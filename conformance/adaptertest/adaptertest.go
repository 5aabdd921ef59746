// Package adaptertest is the definition of a correct adapter: a suite that holds a framework's adapter, and through it the whole
// authorization server, against the protocol as it stands on the wire. An adapter's own test opens it and no more:
//
//	func TestConformance(t *testing.T) {
//		adaptertest.Run(t, adaptertest.Adapter{Name: "gin", New: newApp, NewStore: newStore})
//	}
//
// The suite speaks to real listeners on loopback. Run it with the race detector, too.
package adaptertest

import (
	"testing"

	"github.com/go-mandate/mandate/core/store"
)

// Adapter is what the suite is handed.
type Adapter struct {
	// Name stands in the names of tests.
	Name string
	// New returns a new application of the framework, without routes and with the framework's own recovery from panics.
	New func(t *testing.T) App
	// NewStore returns a new and empty store.
	NewStore func(t *testing.T) store.Store
	// Rounds is how often each race is run, with 64 contenders. Default: 1000, or 20 under the race detector.
	Rounds int
}

// Run holds a against the contract.
func Run(t *testing.T, a Adapter) {
	t.Helper()
	if a.Rounds <= 0 {
		a.Rounds = defaultRounds
	}
	for _, area := range []struct {
		name  string
		cases cases
	}{
		{"guard", guards()},
		{"token", tokenEndpoint()},
		{"forms", forms()},
		{"client authentication", clientAuth()},
		{"client assertions", assertions()},
		{"own client authentication", ownAuth()},
		{"authorize", authorizeEndpoint()},
		{"redirect URIs", redirects()},
		{"response modes", responseModes()},
		{"wishes", wishes()},
		{"rich requests", richRequests()},
		{"signed answers", signedAnswers()},
		{"pushed requests", pushedRequests()},
		{"request objects", requestObjects()},
		{"scopes", scopesAndResources()},
		{"prompt", prompts()},
		{"methods", methods()},
		{"everything on", everythingOn()},
		{"metadata", metadata()},
		{"introspection", introspection()},
		{"revocation", revocation()},
		{"signed introspection", signedIntrospection()},
		{"error URIs", errorURIs()},
		{"refresh", refreshes()},
		{"imported refresh tokens", legacy()},
		{"stored clients", storedClients()},
		{"machines", machines()},
		{"jwt", jwts()},
		{"lives of tokens", lives()},
		{"looks of tokens", looks()},
		{"claims of tokens", tokenClaims()},
		{"consent", consents()},
		{"strangers", strangers()},
		{"error pages", errorPages()},
		{"built-in pages", builtIn()},
		{"choice of an account", accountChoice()},
		{"connected applications", connectedApplications()},
		{"built-in consent", consentPages()},
		{"error reasons", errorReasons()},
		{"pending requests", bindings()},
		{"devices", deviceFlows()},
		{"device pages", devicePages()},
		{"OAuth 1.0a provider", oauth1Provider()},
		{"OAuth 1.0a guard", oauth1Guard()},
		{"OAuth 1.0a attacks", oauth1Attacks()},
		{"OAuth 1.0a races", oauth1Races()},
		{"OAuth 1.0a import", oauth1Imports()},
		{"faults", faults()},
		{"issuers", issuers()},
		{"extensions", extensions()},
		{"crashes", crashes()},
		{"grant types", ownGrants()},
		{"hooks", hooks()},
		{"limits", limits()},
		{"profiles", profiles()},
		{"token exchange", exchanges()},
		{"token exchange of others", foreignExchanges()},
		{"jwt bearer", vouchers()},
		{"passwords", passwords()},
		{"implicit", implicits()},
		{"hostile", hostile()},
		{"overtaken", overtaken()},
		{"attacks", attacks()},
		{"attacks on codes", codeAttacks()},
		{"attacks on redirects", redirectAttacks()},
		{"attacks by other sites", siteAttacks()},
		{"attacks of other clients", clientAttacks()},
		{"attacks on tokens", tokenAttacks()},
		{"attacks on fetches", fetchAttacks()},
		{"attacks by replay", replayAttacks()},
		{"attacks by scripts", scriptAttacks()},
		{"attacks on resources", floodAttacks()},
		{"registration", registrations()},
		{"registration management", managements()},
		{"client documents", clientDocuments()},
		{"client policies", clientPolicies()},
		{"login", logins()},
		{"login attacks", loginAttacks()},
		{"login by form", loginForms()},
		{"login with OpenID", openIDLogins()},
		{"login with OpenID, attacks", openIDAttacks()},
		{"logout", logouts()},
		{"logout by the provider", backChannelLogouts()},
		{"login with OAuth 1.0a", loginsOAuth1()},
		{"login with OAuth 1.0a attacks", loginAttacksOAuth1()},
		{"races", races()},
	} {
		t.Run(area.name, func(t *testing.T) {
			t.Parallel()
			area.cases.run(t, a)
		})
	}
}

// cases are tests by the sentence that each proves.
type cases map[string]func(t *testing.T, a Adapter)

// run runs the cases side by side: each makes what it needs.
func (c cases) run(t *testing.T, a Adapter) {
	t.Helper()
	for sentence, test := range c {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			test(t, a)
		})
	}
}
