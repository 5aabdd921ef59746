package resource

import "fmt"

// Google takes ID tokens of Google: of users that signed in, and of service accounts. Google's access tokens are for Google's own APIs,
// and no JWTs; a backend is sent the ID token instead. Config.Audience is the client id that the backend has at Google, or the URL that a
// service account named.
//
// They hold no scopes and no roles: decide by subject, email (with email_verified) or hd, which the token has as claims. A token of a
// service account (azp is sub) has no subject. Security event tokens, which Google signs as well, are refused.
type Google struct {
	// Domains, where there are some, are the Google Workspace domains (hd) whose users are taken. Others, and service accounts, are not.
	Domains []string
	// JWT has what else may be set, such as Keys, Leeway and Remember. What is zero is as Google needs it.
	JWT JWT
}

// Open implements [Verifier].
func (g Google) Open(s Settings) (Opened, error) {
	return g.JWT.fill(JWT{
		Issuer: "https://accounts.google.com", MayLack: []string{"client_id", "jti"}, ClientClaims: []string{"azp"}, Algs: rs256(),
	}).open(s, dialect{
		aliases: []string{"accounts.google.com"},
		kind: func(c *claims) error {
			if c.has("events") {
				return errLogout
			}
			if hd := c.text("hd"); !oneOf(g.Domains, hd) {
				return fmt.Errorf("hd is %.80q, want one of %q", hd, g.Domains)
			}
			return nil
		},
	})
}

var _ Verifier = Google{}
