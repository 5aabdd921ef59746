package main

import "github.com/go-mandate/mandate/bench/internal/subject"

// clients compares what calls other people's APIs.
func clients(t *table) {
	ours, theirs := subject.SendOurs(), subject.SendTheirs()
	t.atMost("a request with a good token, in those of golang.org/x/oauth2's Transport", 1, theirs, ours)
	t.allocations("a request with a good token", allocs(theirs), ours)
}
