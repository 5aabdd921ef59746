package admin

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

func registrationCommands() []command {
	return []command{
		{
			name: "registration token", about: "Makes an initial access token, with which clients register themselves", flags: registrationToken,
			more: "It is shown this once. Without -scope and -grant its clients may have what the server's Registration allows, and every grant.",
		},
		{
			name: "registration revoke", args: "TOKEN", about: "Ends an initial access token", min: 1, max: 1, flags: registrationRevoke,
			more: "TOKEN may be -, as with token show. Clients that were registered with it stay: client list -origin registered has them.",
		},
	}
}

func registrationToken(fs *flag.FlagSet) runFunction {
	var scopes, grants list
	uses := fs.Int("uses", 1, "how many clients may be registered with it")
	ttl := fs.Duration("ttl", 24*time.Hour, "how long it is good")
	trusted := fs.Bool("trusted", false, "count its clients as the operator's own")
	fs.Var(&scopes, "scope", "what its clients may ask for at most; may be repeated")
	fs.Var(&grants, "grant", "a `grant_type` that its clients may use; may be repeated")
	return func(ctx context.Context, x *call) error {
		t := server.RegistrationToken{Uses: *uses, TTL: *ttl, Limits: server.RegistrationLimits{
			Scopes: mandate.Scopes(strings.Join(scopes, " ")), GrantTypes: grants, Trusted: *trusted,
		}}
		if t.Uses < 1 || t.TTL <= 0 {
			return fmt.Errorf("admin: registration token: -uses %d and -ttl %v must be more than 0", t.Uses, t.TTL)
		}
		token, err := x.server.NewRegistrationToken(ctx, t)
		if err != nil {
			return err
		}
		v := struct {
			Token   string    `json:"token"`
			Uses    int       `json:"uses"`
			Expires time.Time `json:"expires"`
		}{token, t.Uses, x.now().Add(t.TTL)}
		return x.say(v, fmt.Sprintf("initial access token for %d clients until %s\ntoken  %s\nIt is shown this once.", v.Uses, when(v.Expires), token))
	}
}

func registrationRevoke(*flag.FlagSet) runFunction {
	return func(ctx context.Context, x *call) error {
		token, err := x.token()
		if err != nil {
			return err
		}
		was, err := x.server.RevokeRegistrationToken(ctx, token)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("admin: that is no initial access token of this server, or it is long over: %w", store.ErrNotFound)
		case err != nil:
			return err
		}
		return x.say(map[string]bool{"ended": was}, map[bool]string{true: "initial access token ended", false: "initial access token was used up or over before"}[was])
	}
}
