package resource

import mandate "github.com/go-mandate/mandate/core"

// Forget makes g's verifiers forget what they remember of the token with that digest (mandate.DigestOf of the whole token), so that the next
// request with it asks anew: call it when you learn that a token was revoked. A signed token is as good as before, for nothing but its
// signature was remembered; JWT.Live sees revocation.
func (g *Guard) Forget(token mandate.Digest) {
	if g == nil {
		return
	}
	forgetIn(g.verifiers, token)
	for _, s := range g.others {
		forgetIn(s.verifiers, token)
	}
}

func forgetIn(verifiers []Opened, token mandate.Digest) {
	for _, v := range verifiers {
		if v.Forget != nil {
			v.Forget(token)
		}
	}
}
