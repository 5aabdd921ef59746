package admin

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

func peopleCommands() []command {
	return []command{
		{
			name: "session list", args: "SUBJECT", about: "Lists where a user is signed in", min: 1, max: 1, flags: sessionList,
			more: "Those of the built-in pages: an application with a sign-in of its own has its own.",
		},
		{
			name: "session end", args: "ID", about: "Signs a user out of one session", min: 1, max: 1, flags: sessionEnd,
			more: "The grants that were made in it stay: grant revoke -session ends them.",
		},
		{name: "consent list", args: "SUBJECT", about: "Lists what a user allowed which client", min: 1, max: 1, flags: consentList},
		{
			name: "consent forget", args: "SUBJECT CLIENT", about: "Forgets what a user allowed a client, so that it is asked again", min: 2, max: 2, flags: consentForget,
			more: "What was granted stays, unless -revoke ends it.",
		},
	}
}

// ForgetConsent forgets what subject allowed the client, and then, where revoke says so, ends the grants that came of it. It returns how
// many those were. It may be repeated.
func (a *Admin) ForgetConsent(ctx context.Context, subject, clientID string, revoke bool) (ended int, err error) {
	if err := a.store.DeleteConsent(ctx, subject, clientID); err != nil {
		return 0, fmt.Errorf("admin: forget consent of %q: %w", subject, err)
	}
	if !revoke {
		return 0, nil
	}
	grants, err := a.server.RevokeGrants(ctx, store.GrantQuery{Subject: subject, ClientID: clientID}, store.ByAdmin)
	return len(grants), err
}

func sessionList(fs *flag.FlagSet) runFunction {
	page := pages(fs)
	return func(ctx context.Context, x *call) error {
		from := page()
		list, err := x.store.FindSessions(ctx, x.args[0], x.now(), from)
		if err != nil {
			return fmt.Errorf("admin: find sessions: %w", err)
		}
		type view struct {
			ID       string    `json:"id"`
			AuthTime time.Time `json:"auth_time,omitzero"`
			Expires  time.Time `json:"expires,omitzero"`
			Ends     time.Time `json:"ends,omitzero"`
			Clients  []string  `json:"clients,omitempty"`
		}
		next := nextOf(from, list, func(s store.Session) string { return s.ID })
		views := make([]view, len(list))
		for i, s := range list {
			views[i] = view{s.ID, s.AuthTime, s.Expires, s.Ends, strings.Fields(s.Clients)}
		}
		return listed(x.printer, "sessions", []string{"SESSION", "SIGNED IN", "EXPIRES", "ENDS", "CLIENTS"}, views, next, func(s view) []string {
			return []string{s.ID, when(s.AuthTime), when(s.Expires), when(s.Ends), strings.Join(s.Clients, " ")}
		})
	}
}

// alarmTime bounds a write that nobody may undo.
const alarmTime = 10 * time.Second

func sessionEnd(*flag.FlagSet) runFunction {
	return func(ctx context.Context, x *call) error {
		id := x.args[0]
		alarm, cancel := context.WithTimeout(context.WithoutCancel(ctx), alarmTime) // who hangs up does not undo it
		defer cancel()
		_, err := x.store.EndSession(alarm, id, x.now())
		switch {
		case errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("admin: there is no session %q: session list has those of a user: %w", id, err)
		case err != nil && !errors.Is(err, store.ErrUsed):
			return fmt.Errorf("admin: end session %q: %w", id, err)
		}
		return x.say(map[string]any{"id": id, "ended": err == nil}, "session "+clean(id)+map[bool]string{true: " ended", false: " had ended before"}[err == nil])
	}
}

func consentList(fs *flag.FlagSet) runFunction {
	page := pages(fs)
	return func(ctx context.Context, x *call) error {
		from := page()
		list, err := x.store.FindConsents(ctx, x.args[0], from)
		if err != nil {
			return fmt.Errorf("admin: find consents: %w", err)
		}
		type view struct {
			ClientID string         `json:"client_id"`
			Scopes   mandate.Scopes `json:"scope"`
			Updated  time.Time      `json:"updated,omitzero"`
			Expires  time.Time      `json:"expires,omitzero"`
		}
		next := nextOf(from, list, func(c store.Consent) string { return c.ClientID })
		views := make([]view, len(list))
		for i, c := range list {
			views[i] = view{c.ClientID, c.Scopes, c.Updated, c.Expires}
		}
		return listed(x.printer, "consents", []string{"CLIENT", "SCOPE", "UPDATED", "EXPIRES"}, views, next, func(c view) []string {
			return []string{c.ClientID, string(c.Scopes), when(c.Updated), when(c.Expires)}
		})
	}
}

func consentForget(fs *flag.FlagSet) runFunction {
	revoke := fs.Bool("revoke", false, "end the grants that came of it too")
	return func(ctx context.Context, x *call) error {
		subject, client := x.args[0], x.args[1]
		ended, err := x.ForgetConsent(ctx, subject, client, *revoke)
		if err != nil {
			return err
		}
		v := struct {
			Subject  string `json:"subject"`
			ClientID string `json:"client_id"`
			Revoked  int    `json:"revoked"`
		}{subject, client, ended}
		return x.say(v, "consent of "+clean(subject)+" to client "+clean(client)+" forgotten"+grantsEnded(ended))
	}
}
