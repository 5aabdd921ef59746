package main

import (
	"fmt"
	"os"

	"github.com/go-mandate/mandate/bench/internal/measure"
	"github.com/go-mandate/mandate/bench/internal/subject"
)

// oauth1s compares signing and verifying requests of OAuth 1.0 with others. oauthlib runs before and not in turn.
func oauth1s(t *table) {
	t.times("OAuth 1.0: signing with dghubble/oauth1, in our signed requests", 5, subject.Sign(), subject.SignDghubble())
	t.allocations("OAuth 1.0: signing, the transport's own included", 16, subject.Sign())
	t.times("OAuth 1.0: verifying with mrjones/oauth, in our verifications", 4.5, subject.Verify(), subject.VerifyMrjones())
	t.allocations("OAuth 1.0: verifying", 16, subject.Verify())
	peer, err := subject.VerifyOauthlib()
	if err != nil {
		fmt.Fprintln(os.Stderr, "oauthlib is not measured:", err)
		return
	}
	verify := subject.Verify()
	ratio := peer / measure.Compare(verify, verify).Base
	t.add("OAuth 1.0: verifying with oauthlib, in our verifications", "at least 20 times", fmt.Sprintf("%.0f times", ratio), ratio >= 20)
}
