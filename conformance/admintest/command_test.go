package admintest_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/admin"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// config returns a server with the fixed client "house" on st.
func config(t *testing.T, st store.Store) admin.Config {
	t.Helper()
	sc := server.Config{
		Issuer: "https://id.test", Store: st, Secret: mandate.NewRandomSecret(), Scopes: []server.Scope{{Name: "read"}, {Name: "write"}},
		Clients: []*store.Client{{ID: "house", Metadata: oauth2.ClientMetadata{AuthMethod: "none", RedirectURIs: []string{"https://house.test/"}}}},
	}
	if _, ok := st.(store.ClientWriter); ok {
		sc.Registration = &server.Registration{}
	}
	srv, err := server.New(sc)
	if err != nil {
		t.Fatal(err)
	}
	return admin.Config{Server: srv}
}

// ran is what a command wrote, and its error.
func ran(t *testing.T, c admin.Config, in string, args ...string) (string, error) {
	t.Helper()
	var out strings.Builder
	err := admin.Command{
		Open: func(context.Context) (admin.Config, error) { return c, nil }, In: strings.NewReader(in), Out: &out,
	}.Run(t.Context(), args)
	return out.String(), err
}

// TestJSON: every command answers with one JSON value for -json, wherever that stands.
func TestJSON(t *testing.T) {
	t.Parallel()
	c := config(t, memstore.New())
	const spec = `{"clients": [{"id": "night", "kind": "machine", "metadata": {}}]}`
	for _, tc := range []struct {
		args    string
		in      string
		members string // all of them
	}{
		{args: "secret", members: "secret"},
		{args: "client add -id books -redirect https://books.test/", members: "id secret"},
		{args: "client apply - -dry-run", in: spec, members: "clients dry_run"},
		{args: "client apply -", in: spec, members: "clients"},
		{args: "client list", members: "clients"},
		{args: "client list -limit 1", members: "clients next"},
		{args: "client list -origin registered", members: "clients"},
		{args: "registration token -uses 3 -scope read", members: "expires token uses"},
		{args: "client show books", members: "created disabled id kind metadata policy revision secrets"},
		{args: "client show house", members: "disabled fixed id kind metadata policy"},
		{args: "client export", members: "clients"},
		{args: "client update books -name Books -token-ttl 5m", members: "created disabled id kind metadata policy revision secrets"},
		{args: "client rotate books", members: "id secret secrets"},
		{args: "client disable books", members: "action id revoked"},
		{args: "client enable books", members: "action id revoked"},
		{args: "client delete books", members: "action id revoked"},
		{args: "grant list", members: "grants"},
		{args: "grant revoke -subject ada", members: "revoked"},
		{args: "session list ada", members: "sessions"},
		{args: "consent list ada", members: "consents"},
		{args: "consent forget ada books", members: "client_id revoked subject"},
		{args: "key list", members: "keys"},
		{args: "key rotate", members: "keys"},
		{args: "rewrap", members: "clients grants keys"},
		{args: "prune", members: "removed"},
	} {
		out, err := ran(t, c, tc.in, append(strings.Fields(tc.args), "-json")...)
		if err != nil {
			t.Errorf("%s: %v", tc.args, err)
			continue
		}
		var all map[string]json.RawMessage
		d := json.NewDecoder(strings.NewReader(out))
		if err := d.Decode(&all); err != nil || d.More() {
			t.Errorf("%s: %v, in %q", tc.args, err, out)
			continue
		}
		for name, value := range all {
			if string(value) == "null" {
				t.Errorf("%s: %s is null, want an empty list", tc.args, name)
			}
		}
		for name := range strings.FieldsSeq(tc.members) {
			if _, ok := all[name]; !ok {
				t.Errorf("%s: no member %s in %s", tc.args, name, out)
			}
			delete(all, name)
		}
		if len(all) > 0 {
			t.Errorf("%s: also %v", tc.args, all)
		}
	}
}

// TestNegative: an error names what is wrong and the way out, and nothing is written.
func TestNegative(t *testing.T) {
	t.Parallel()
	c := config(t, memstore.New())
	if _, err := ran(t, c, "", "client", "add", "-id", "night", "-kind", "machine"); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args []string
		in   string
		says string
	}{
		"no such command":                {args: []string{"clients"}, says: `"clients" is no command: see help`},
		"half a command":                 {args: []string{"key"}, says: `"key" is no command, but one of these may be meant: key list, key rotate`},
		"help for what is not there":     {args: []string{"help", "keys"}, says: `"keys" is no command: see help`},
		"no such flag":                   {args: []string{"client", "list", "-all"}, says: `client list: flag provided but not defined: -all: see help client list`},
		"a flag of the wrong kind":       {args: []string{"client", "list", "-limit", "all"}, says: `client list: invalid value "all" for flag -limit`},
		"no argument":                    {args: []string{"client", "show"}, says: `client show: has 0 arguments, want: client show ID: see help client show`},
		"too many arguments":             {args: []string{"client", "show", "a", "b"}, says: `client show: has 2 arguments, want: client show ID`},
		"a kind that is none":            {args: []string{"client", "add", "-kind", "web"}, says: `kind "web" is none of confidential, public, native, machine`},
		"a scope that is none":           {args: []string{"client", "add", "-kind", "machine", "-scope", "\x07"}, says: `-scope "\a"`},
		"an id that is taken":            {args: []string{"client", "add", "-id", "night", "-kind", "machine"}, says: `client "night" is there already: update it, or choose another id`},
		"an update of nothing":           {args: []string{"client", "update", "night"}, says: `client update: no flag says what to change: see help client update`},
		"an update of the configuration": {args: []string{"client", "update", "house", "-name", "x"}, says: `client "house" is in server.Config.Clients: change it there`},
		"deleting what is not there":     {args: []string{"client", "delete", "day"}, says: `there is no client "day"`},
		"rotating the configuration":     {args: []string{"client", "rotate", "house"}, says: `client "house" is in server.Config.Clients: change it there`},
		"ending the last secret":         {args: []string{"client", "end-secret", "night", "x"}, says: `client "night" has no secret "x": its secrets are [`},
		"an origin that is none":         {args: []string{"client", "list", "-origin", "mars"}, says: `client list: -origin "mars" is neither operator nor registered`},
		"a token for a scope of nobody":  {args: []string{"registration", "token", "-scope", "admin"}, says: `RegistrationLimits.Scopes has "admin", which is not among Scopes`},
		"a token for a grant of nobody":  {args: []string{"registration", "token", "-grant", "magic"}, says: `RegistrationLimits.GrantTypes has "magic", which is not among GrantTypes`},
		"a token for no client":          {args: []string{"registration", "token", "-uses", "0"}, says: `-uses 0 and -ttl 24h0m0s must be more than 0`},
		"revoking no initial token":      {args: []string{"registration", "revoke", "mda_x"}, says: `that is no initial access token of this server`},
		"a file that is not there":       {args: []string{"client", "apply", "nowhere.json"}, says: `client apply: open nowhere.json`},
		"a file that is no JSON":         {args: []string{"client", "apply", "-"}, in: "clients: []", says: `want {"clients": [{"id": "...", "metadata": {...}}]}`},
		"showing no grant":               {args: []string{"grant", "show", "g"}, says: `there is no grant "g": grant list has those that there are`},
		"revoking no grant":              {args: []string{"grant", "revoke", "g"}, says: `there is no grant "g": grant list has those that there are`},
		"revoking nothing":               {args: []string{"grant", "revoke"}, says: `grant revoke: name either the id of one grant, or a flag: -subject, -client or -session`},
		"revoking one and many":          {args: []string{"grant", "revoke", "g", "-client", "night"}, says: `name either the id of one grant, or a flag`},
		"a token that is none":           {args: []string{"token", "show", "mda_x"}, says: `that is no access token of this server, or it is over or revoked`},
		"revoking a token that is none":  {args: []string{"token", "revoke", "-"}, in: "mda_x\n", says: `that is no access token of this server, or it is over or revoked`},
		"no token":                       {args: []string{"token", "show", "-"}, in: "\n", says: `token -: the input has no token in its first line`},
		"ending no session":              {args: []string{"session", "end", "s"}, says: `there is no session "s": session list has those of a user`},
		"tables of a store without":      {args: []string{"migrate"}, says: `this store has no tables to make: name the one that has in Config.Migrator`},
		"a plan of a store without":      {args: []string{"plan"}, says: `this store has no tables to make`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := ran(t, c, tc.in, tc.args...)
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error = %v, want %q", err, tc.says)
			}
			if out != "" {
				t.Errorf("it wrote %q", out)
			}
			if err != nil && strings.Contains(err.Error(), "mda_x") {
				t.Errorf("error shows the token: %v", err)
			}
		})
	}
}

// TestNoInput: "-" without an input is an error and no panic.
func TestNoInput(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"client", "apply", "-"}, {"token", "show", "-"}} {
		err := admin.Run(t.Context(), config(t, memstore.New()), args, &strings.Builder{})
		if err == nil || !strings.Contains(err.Error(), "there is no input: set Command.In") {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// TestTerminal: what a stranger chose to be called cannot draw on the operator's terminal.
func TestTerminal(t *testing.T) {
	t.Parallel()
	st := memstore.New()
	c := config(t, st)
	err := st.PutClient(t.Context(), &store.Client{ID: "stranger", Origin: store.ByRegistration, Metadata: oauth2.ClientMetadata{
		Name: "good\x1b[2K\rbetter\tbest\u202enwod\nclient admin", AuthMethod: "none",
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"client", "list"}, {"client", "show", "stranger"}} {
		out, err := ran(t, c, "", args...)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out, `good\x1b[2K\rbetter\tbest\u202enwod\nclient admin`) {
			t.Errorf("%v wrote %q", args, out)
		}
	}
	out, err := ran(t, c, "", "client", "export")
	if err != nil || strings.Contains(out, "stranger") {
		t.Errorf("export = %q, %v, want no client that registered itself", out, err)
	}
}

// readOnly is a store that cannot write clients.
type readOnly struct{ store.Store }

func TestStoreWithoutWriter(t *testing.T) {
	t.Parallel()
	c := config(t, readOnly{memstore.New()})
	for _, args := range [][]string{{"client", "add", "-kind", "machine"}, {"client", "list"}, {"client", "disable", "x"}, {"client", "export"}} {
		if _, err := ran(t, c, "", args...); err == nil || !strings.Contains(err.Error(), "is no store.ClientWriter: write them where it reads them") {
			t.Errorf("%v: %v", args, err)
		}
	}
	if out, err := ran(t, c, "", "rewrap"); err != nil || out != "rewritten: 0 of signing keys, 0 of clients, 0 of grants\n" {
		t.Errorf("rewrap = %q, %v", out, err)
	}
}

// TestOwnTable: clients of a table of the application's own are shown, and changed there.
func TestOwnTable(t *testing.T) {
	t.Parallel()
	own := &store.Client{ID: "own", Metadata: oauth2.ClientMetadata{AuthMethod: "none", RedirectURIs: []string{"https://own.test/"}}}
	c := config(t, store.ClientsFunc(memstore.New(), func(_ context.Context, id string) (*store.Client, error) {
		if id == own.ID {
			return own, nil
		}
		return nil, store.ErrNotFound
	}))
	if out, err := ran(t, c, "", "client", "show", "own"); err != nil || !strings.Contains(out, "https://own.test/") {
		t.Errorf("client show = %q, %v", out, err)
	}
	for _, args := range []string{"client add -id own -kind machine", "client update own -name x", "client disable own", "client delete own"} {
		if _, err := ran(t, c, "", strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), `"own" is in the application's own table`) {
			t.Errorf("%s: %v, want that it is in the application's own table", args, err)
		}
	}
}

// broken fails in the midst of an apply.
type broken struct {
	*memstore.Store
	left int
}

// PutClient implements store.ClientWriter.
func (b *broken) PutClient(ctx context.Context, c *store.Client) error {
	if b.left--; b.left < 0 {
		return errors.New("the disk is full")
	}
	return b.Store.PutClient(ctx, c)
}

// TestApplyStops: what was done before a failure is told, with its secrets, which nobody could get again.
func TestApplyStops(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "clients.json")
	text := `{"clients": [{"id": "one", "kind": "machine", "metadata": {}}, {"id": "two", "kind": "machine", "metadata": {}}]}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	st := &broken{memstore.New(), 1}
	c := config(t, st)
	out, err := ran(t, c, "", "client", "apply", path)
	if err == nil || !strings.Contains(err.Error(), `write client "two": the disk is full`) {
		t.Errorf("error = %v", err)
	}
	if !strings.Contains(out, "mds_") || !strings.Contains(out, "one") || strings.Contains(out, "two") {
		t.Errorf("it wrote %q, want the client that was made", out)
	}
	st.left = 1
	out, err = ran(t, c, "", "client", "apply", path)
	if err != nil || !strings.Contains(out, "unchanged") || !strings.Contains(out, "created") {
		t.Errorf("again: %q, %v, want the rest", out, err)
	}
}
