package main

import (
	"fmt"

	"github.com/go-mandate/mandate/bench/internal/subject"
	"github.com/go-mandate/mandate/core/jose"
)

// jwtsAlive is how many signed tokens are remembered while a guard is measured.
const jwtsAlive = 4000

// jwts compares the check of signed tokens with the check of the bare signature, and with golang-jwt and keyfunc.
func jwts(t *table) {
	for _, c := range []struct {
		alg           jose.Alg
		unseen, peers float64
		gin           float64
	}{{jose.RS256, 1.10, 30, 1200}, {jose.ES256, 1.06, 60, 900}, {jose.EdDSA, 1.06, 0, 0}} {
		j := subject.NewJWT(c.alg, jwtsAlive)
		name := "JWT " + string(c.alg)
		hot := j.Tokens[0]
		cmp := compare(j.Raw(), j.Unseen())
		t.add(name+" not seen before, in raw verifications", fmt.Sprintf("at most %.2f", c.unseen), fmt.Sprintf("%.3f (%+.0f ns on %.0f ns)", cmp.Ratio, cmp.Difference, cmp.Base), cmp.Ratio <= c.unseen)
		t.allocations(name+" not seen before", 25, j.Unseen())
		t.over(name+" seen before, on Gin over the bare route", c.gin, 2, subject.CallAny(subject.Gin()), subject.Call(j.Gin(), hot))
		t.over(name+" seen before, on Fiber over the bare route", 0, 0, subject.CallFast(subject.Fiber(), hot), subject.CallFast(j.Fiber(), hot))
		peer := subject.Call(j.Peer(), hot)
		t.times(name+": golang-jwt with keyfunc, in guards on Gin", c.peers, subject.Call(j.Gin(), hot), peer)
		route := j.Gin()
		t.scales(name+" seen before, the check alone, one token, on four threads", 2.5, func(int) func() { return j.Hot() })
		t.scales(name+" seen before, on Gin, one token, on four threads", 2.5, func(int) func() { return subject.Each(route, 0, hot) })
	}
	many := subject.NewJWT(jose.EdDSA, jwtsAlive)
	t.scales("JWT EdDSA seen before, the check alone, 4,000 tokens, on four threads", 2.5, func(i int) func() { return many.Seen(i * jwtsAlive / 4) })
	t.scales("JWT EdDSA not seen before, the check alone, on four threads", 2.5, func(int) func() { return many.Unseen() })
}
