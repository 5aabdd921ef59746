package client

// The kinds of errors of tokens and calls.
const (
	// GrantLost means that the provider takes the refresh token no more, or that there is none: the user has to sign in again.
	GrantLost Kind = "grant lost"
	// NoToken means that nothing is kept for this account: the user has to sign in.
	NoToken Kind = "no token"
	// WrongHost means that a request was not sent, because it goes where the token must not go.
	WrongHost Kind = "wrong host"
	// BadStatus means that an API answered with a status that is not 2xx: see Status and Body.
	BadStatus Kind = "bad status"
	// Unreadable means that the body of an API's answer is not what it says, or what it should be read into.
	Unreadable Kind = "unreadable"
)
