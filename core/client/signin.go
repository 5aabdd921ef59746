package client

import (
	"golang.org/x/oauth2"
)

// SignIn is who came back from a provider. Look the account up by App and Profile.Subject together: nothing else names a user.
type SignIn struct {
	App      string
	Profile  Profile
	Token    *oauth2.Token  // nil for a protocol that has none. Its Extra has the other members of the provider's answer
	OAuth1   *OAuth1Token   // what an app of OAuth 1.0a was granted; nil for all others
	Scopes   []string       // what was granted; what was asked for where the provider does not say
	Missing  []string       // what was asked for and not granted: not an error
	IDToken  map[string]any // the verified claims; nil without OpenID Connect
	UserInfo map[string]any // what the UserInfo endpoint says; nil if it was not asked
	ReturnTo string         // where the login began: a path of this application, or "/"
	Data     string         // [Begin.Data]

	remote *Remote
}

// Remote returns the app that the sign-in is of.
func (in *SignIn) Remote() *Remote { return in.remote }

// Profile is a user as the provider shows him, whatever the provider.
type Profile struct {
	// Subject is the provider's own id of the user, which never changes and never comes to another user.
	Subject string
	Name    string // as people call him; it may be empty, as all that follow
	// Username is the name with the provider: it may change, and another user may have it next year.
	Username string
	// Email may be wrong, and anybody's: ask VerifiedEmail.
	Email string
	// EmailVerified says that the provider has made sure that Email is the user's.
	EmailVerified bool
	Picture       string         // a URL
	Locale        string         // "en", "pt-BR"
	Raw           map[string]any // all that the provider said
}

// VerifiedEmail returns the e-mail address and true if the provider has made sure that it is the user's. Even so it is no identity: it may be
// another's next year. Use it to write to the user, and to link accounts only where the provider is trusted to know.
func (p *Profile) VerifiedEmail() (string, bool) {
	if !p.EmailVerified || p.Email == "" {
		return "", false
	}
	return p.Email, true
}
