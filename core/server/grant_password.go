package server

import (
	"context"
	"errors"
	"fmt"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

const grantPassword = "password"

type passwordGrant struct {
	verify func(ctx context.Context, client Client, name, password string) (User, error)
}

// InsecurePassword is the grant type of RFC 6749, section 4.3: the client asks the user for the password and sends it. OAuth 2.1 and RFC
// 9700, section 2.4 forbid it: it teaches people to type their password anywhere, and knows neither a second factor nor consent. It is for
// clients that already work this way, until they no longer do.
//
// verify checks name and password, of at most 1 KiB each, and returns who that is. For a wrong pair, and a user who may not, it
// returns [mandate.AccessDenied], and the client is told invalid_grant, the same for a name that nobody has: verify takes care that
// both take the same time. Any other error means that nobody could tell. Config.Limiter slows down who guesses. It may be called from any number of goroutines.
func InsecurePassword(verify func(ctx context.Context, client Client, name, password string) (User, error)) GrantType {
	return passwordGrant{verify}
}

// Name implements [GrantType].
func (passwordGrant) Name() string { return grantPassword }

// Check implements [Checker].
func (p passwordGrant) Check(string) error {
	if p.verify == nil {
		return errors.New("server: InsecurePassword has no function that verifies passwords")
	}
	return nil
}

// Token implements [GrantType].
func (p passwordGrant) Token(ctx context.Context, r *TokenRequest) (*Issue, error) {
	name, err := r.Require("username")
	if err != nil {
		return nil, err
	}
	password, err := r.Require("password")
	if err != nil {
		return nil, err
	}
	scopes, err := r.Scopes()
	if err != nil {
		return nil, err
	}
	audience, err := r.Audience("")
	if err != nil {
		return nil, err
	}
	done, err := r.Attempt(ctx, PasswordAttempt, name)
	if err != nil {
		return nil, err
	}
	user, err := p.verify(ctx, r.Client, name, password)
	done(outcomeOf(user.Subject != "", err))
	switch {
	case errors.Is(err, mandate.AccessDenied), err == nil && user.Subject == "":
		return nil, mandate.Errorf(mandate.InvalidGrant, err, "username or password is wrong")
	case err != nil:
		return nil, fault("verify password", err)
	case !plainText(user.Subject):
		return nil, fmt.Errorf("grant type password: a user whose Subject is %q: want UTF-8 without control characters", user.Subject)
	}
	i := &Issue{Grant: r.NewGrant(user.Subject, scopes), New: true, Scopes: scopes, Audience: audience, Refresh: r.MayRefresh()}
	i.Grant.SessionID = user.SessionID
	d := &i.Grant.Details
	d.Resources = strings.Join(audience, " ")
	d.AuthTime, d.ACR, d.AMR = user.AuthTime, user.ACR, user.amr()
	if d.AuthTime.IsZero() {
		d.AuthTime = r.Now // the password was proven just now
	}
	return i, nil
}
