package adaptertest

import (
	"maps"
	"testing"
)

// RunGuards holds the guards of a against the contract, and nothing else: for an application of the framework that is set up in
// another way than that which [Run] gets.
func RunGuards(t *testing.T, a Adapter) {
	t.Helper()
	guards().run(t, a)
}

// guards are the cases of guarded routes.
func guards() cases {
	all := cases{}
	for _, part := range []cases{
		credentialCases(), tokenCases(), bodyCases(), formCases(), stackCases(), handlerCases(), errorCases(),
		httpCases(), contextCases(), userCases(), keepCases(), hookCases(), jwtCases(), liveCases(), goldenCases(),
	} {
		maps.Copy(all, part)
	}
	return all
}
