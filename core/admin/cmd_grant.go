package admin

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

func grantCommands() []command {
	return []command{
		{name: "grant list", about: "Lists grants: what users and clients were allowed", flags: grantList},
		{name: "grant show", args: "ID", about: "Shows a grant", min: 1, max: 1, flags: grantShow},
		{
			name: "grant revoke", args: "[ID]", about: "Ends a grant, or those of a subject, a client or a session, and all tokens under them", max: 1, flags: grantRevoke,
			more: "With several flags a grant must match all of them.",
		},
		{
			name: "token show", args: "TOKEN", about: "Shows an access token of this server", min: 1, max: 1, flags: tokenShow,
			more: "TOKEN is the token, or - to read it from the standard input: what stands in a command is in the\nshell's history. Stores keep digests: tokens cannot be listed, but the grants that they are under can.",
		},
		{
			name: "token revoke", args: "TOKEN", about: "Ends an access token, and no other", min: 1, max: 1, flags: tokenRevoke,
			more: "TOKEN may be -, as with token show. grant revoke ends all of a family.",
		},
	}
}

// grantView is a grant as it is shown.
type grantView struct {
	ID         string         `json:"id"`
	ClientID   string         `json:"client_id"`
	Subject    string         `json:"subject,omitempty"`
	SessionID  string         `json:"session_id,omitempty"`
	State      string         `json:"state"` // alive, revoked or over
	Scopes     mandate.Scopes `json:"scope,omitempty"`
	Resources  string         `json:"resource,omitempty"`
	Generation int64          `json:"generation"` // 0: a code, n: the nth refresh token
	Created    time.Time      `json:"created,omitzero"`
	Advanced   time.Time      `json:"advanced,omitzero"`
	Expires    time.Time      `json:"expires,omitzero"`
	Revoked    time.Time      `json:"revoked,omitzero"`
	Reason     store.Reason   `json:"reason,omitempty"`
}

func (x *call) grantView(g store.Grant) grantView {
	state := "alive"
	switch {
	case !g.Revoked.IsZero():
		state = "revoked"
	case !g.AliveAt(x.now()):
		state = "over"
	}
	return grantView{
		g.ID, g.ClientID, g.Subject, g.SessionID, state, g.Details.Scopes, g.Details.Resources, g.Generation,
		g.Created, g.Advanced, g.Expires, g.Revoked, g.Reason,
	}
}

// grantQuery are the flags that select grants.
func grantQuery(fs *flag.FlagSet) *store.GrantQuery {
	var q store.GrantQuery
	fs.StringVar(&q.Subject, "subject", "", "those of this user")
	fs.StringVar(&q.ClientID, "client", "", "those of this client")
	fs.StringVar(&q.SessionID, "session", "", "those of this session")
	return &q
}

func grantList(fs *flag.FlagSet) runFunction {
	q, page := grantQuery(fs), pages(fs)
	return func(ctx context.Context, x *call) error {
		from := page()
		list, err := x.store.FindGrants(ctx, *q, from)
		if err != nil {
			return fmt.Errorf("admin: find grants: %w", err)
		}
		next := nextOf(from, list, func(g store.Grant) string { return g.ID })
		views := make([]grantView, len(list))
		for i, g := range list {
			views[i] = x.grantView(g)
		}
		return listed(x.printer, "grants", []string{"GRANT", "CLIENT", "SUBJECT", "STATE", "CREATED", "EXPIRES", "SCOPE"}, views, next, func(g grantView) []string {
			return []string{g.ID, g.ClientID, g.Subject, g.State, when(g.Created), when(g.Expires), string(g.Scopes)}
		})
	}
}

func grantShow(*flag.FlagSet) runFunction {
	return func(ctx context.Context, x *call) error {
		g, err := x.store.Grant(ctx, x.args[0])
		if err != nil {
			return noGrant(x.args[0], err)
		}
		v := x.grantView(g)
		return x.show(v, func() error {
			return x.table(nil, func(row func(...string)) {
				row("grant", v.ID)
				row("client", v.ClientID)
				row("subject", v.Subject)
				row("session", v.SessionID)
				row("state", strings.TrimSpace(v.State+" "+string(v.Reason)))
				row("scope", string(v.Scopes))
				row("resource", v.Resources)
				row("generation", strconv.FormatInt(v.Generation, 10))
				row("created", when(v.Created))
				row("expires", when(v.Expires))
				row("revoked", when(v.Revoked))
			})
		})
	}
}

func noGrant(id string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("admin: there is no grant %q: grant list has those that there are: %w", id, store.ErrNotFound)
	}
	return fmt.Errorf("admin: grant %q: %w", id, err)
}

func grantRevoke(fs *flag.FlagSet) runFunction {
	q := grantQuery(fs)
	return func(ctx context.Context, x *call) error {
		n := 0
		switch one := len(x.args) == 1; {
		case one == (*q != store.GrantQuery{}):
			return errors.New("admin: grant revoke: name either the id of one grant, or a flag: -subject, -client or -session")
		case one:
			alive, err := x.server.RevokeGrant(ctx, x.args[0], store.ByAdmin)
			if err != nil {
				return noGrant(x.args[0], err)
			}
			if alive {
				n = 1
			}
		default:
			ended, err := x.server.RevokeGrants(ctx, *q, store.ByAdmin)
			if err != nil {
				return err
			}
			n = len(ended)
		}
		return x.say(map[string]int{"revoked": n}, strings.TrimPrefix(grantsEnded(n), ", ")+map[bool]string{true: "no grant was alive"}[n == 0])
	}
}

// token returns the access token that the first argument is or stands for.
func (x *call) token() (string, error) {
	if x.args[0] != "-" {
		return x.args[0], nil
	}
	if x.in == nil {
		return "", errors.New("admin: token -: there is no input: set Command.In, or name the token")
	}
	line, err := bufio.NewReader(x.in).ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		return "", fmt.Errorf("admin: token -: the input has no token in its first line: %w", errors.Join(err, mandate.InvalidRequest))
	}
	return line, nil
}

// noToken says what is wrong with a token, and nothing of it.
func noToken(err error) error {
	if errors.Is(err, mandate.InvalidToken) {
		return fmt.Errorf("admin: that is no access token of this server, or it is over or revoked: %w", err)
	}
	return fmt.Errorf("admin: token: %w", err)
}

func tokenShow(*flag.FlagSet) runFunction {
	return func(ctx context.Context, x *call) error {
		raw, err := x.token()
		if err != nil {
			return err
		}
		t, err := x.server.Verify(ctx, raw, x.now())
		if err != nil {
			return noToken(err)
		}
		v := struct {
			ID       string         `json:"id,omitempty"` // of a JWT
			GrantID  string         `json:"grant_id"`
			ClientID string         `json:"client_id"`
			Subject  string         `json:"subject,omitempty"`
			Scopes   mandate.Scopes `json:"scope"`
			Audience []string       `json:"audience,omitempty"`
			Issued   time.Time      `json:"issued,omitzero"`
			Expires  time.Time      `json:"expires,omitzero"`
		}{t.ID(), t.GrantID(), t.ClientID(), t.Subject(), t.Scopes(), t.Audience(), t.IssuedAt(), t.Expires()}
		return x.show(v, func() error {
			return x.table(nil, func(row func(...string)) {
				row("grant", v.GrantID)
				row("client", v.ClientID)
				row("subject", v.Subject)
				row("scope", string(v.Scopes))
				row("audience", strings.Join(v.Audience, " "))
				row("issued", when(v.Issued))
				row("expires", when(v.Expires))
			})
		})
	}
}

func tokenRevoke(*flag.FlagSet) runFunction {
	return func(ctx context.Context, x *call) error {
		raw, err := x.token()
		if err != nil {
			return err
		}
		t, err := x.server.RevokeToken(ctx, raw)
		if err != nil {
			return noToken(err)
		}
		v := map[string]string{"client_id": t.ClientID(), "grant_id": t.GrantID()}
		return x.say(v, "access token of client "+clean(t.ClientID())+" ended")
	}
}
