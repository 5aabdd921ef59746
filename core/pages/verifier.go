package pages

import mandate "github.com/go-mandate/mandate/core"

// Verifier is the content of the last page of a user who decided about a client of OAuth 1.0a that has no callback: the verifier that
// they take to it by hand (RFC 5849, section 2.2).
type Verifier struct {
	Verifier string // what to type
	Denied   bool   // the user said no, and there is none
	Client   Client
}

// Verifier returns the page that shows a verifier, with status 200.
func (s *Set) Verifier(x Verifier) (*mandate.Response, error) {
	v := s.base
	v.Title = v.Text.VerifierTitle
	if x.Denied {
		v.Title, x.Verifier = v.Text.VerifierDeniedTitle, ""
	}
	x.Verifier, x.Client = text(x.Verifier, maxName), x.Client.clean()
	v.Verifier, v.Client = x, x.Client
	return s.page(s.verifier, 200, "no-referrer", &v)
}
