package main

import (
	"fmt"

	"github.com/go-mandate/mandate/bench/internal/subject"
	"github.com/go-mandate/mandate/core/jose"
)

// clients compares what calls other people's APIs.
func clients(t *table) {
	ours, theirs := subject.SendOurs(), subject.SendTheirs()
	t.atMost("a request with a good token, in those of golang.org/x/oauth2's Transport", 1, theirs, ours)
	t.allocations("a request with a good token", allocs(theirs), ours)
	for _, alg := range []jose.Alg{jose.RS256, jose.ES256} {
		j := subject.NewJWT(alg, 16)
		t.atMost("verifying an ID token, "+string(alg)+", in the guard's checks of a JWT not seen before", 1, j.Unseen(), j.IDToken())
	}
	begin := compare(func() {}, subject.BeginLogin())
	t.add("building an authorization URL with PKCE, state, nonce and sealed cookie", "at most 10,000 ns", fmt.Sprintf("%.0f ns", begin.Difference), begin.Difference <= 10_000)
}
