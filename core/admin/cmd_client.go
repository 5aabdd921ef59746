package admin

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

func clientCommands() []command {
	return []command{
		{
			name: "client add", about: "Registers a client", flags: clientAdd,
			more: "A client that needs a secret is given one, which is shown this once.\n" +
				"Kinds: confidential keeps a secret in its back end, public runs in a browser,\n" +
				"native on a desktop or phone, machine acts for itself and nobody signs in.",
		},
		{
			name: "client apply", args: "FILE", about: "Creates and updates the clients of a file", min: 1, max: 1, flags: clientApply,
			more: `FILE, or - for the standard input, is {"clients": [{"id": "books", "kind": "confidential",` + "\n" +
				`"metadata": {RFC 7591}, "policy": {...}, "disabled": false, "secrets": [...]}]}.` + "\n" +
				"What it does not say of a client is taken away, but for secrets. Clients that it does not\n" +
				"name stay as they are. Doing it again changes nothing. client export writes such a file.",
		},
		{name: "client list", about: "Lists the clients", flags: clientList, more: "Those of the server's configuration come first. Clients that are known by a document on their own site are stored nowhere: grant list has what they were granted."},
		{name: "client show", args: "ID", about: "Shows a client", min: 1, max: 1, flags: clientShow},
		{name: "client export", about: "Writes the clients of the store as client apply reads them, without secrets", flags: clientExport},
		{name: "client update", args: "ID", about: "Changes what the flags name, and nothing else", min: 1, max: 1, flags: clientUpdate},
		{
			name: "client disable", args: "ID", about: "Refuses a client and ends its grants", min: 1, max: 1,
			flags: one(func(ctx context.Context, x *call, id string) (string, int, error) {
				ended, err := x.Disable(ctx, id)
				return "disabled", ended, err
			}),
		},
		{
			name: "client enable", args: "ID", about: "Serves a disabled client again", min: 1, max: 1,
			flags: one(func(ctx context.Context, x *call, id string) (string, int, error) {
				return "enabled", 0, x.Enable(ctx, id)
			}),
			more: "Its users have to sign in again: the grants that ended stay so.",
		},
		{
			name: "client delete", args: "ID", about: "Disables a client, ends its grants and removes it", min: 1, max: 1,
			flags: one(func(ctx context.Context, x *call, id string) (string, int, error) {
				ended, err := x.Delete(ctx, id)
				return "deleted", ended, err
			}),
			more: "Where it stops halfway, do it again. Do not give the id to another client: what users\nconsented to is remembered under it.",
		},
	}
}

// one is a command on one client that answers in a line.
func one(f func(ctx context.Context, x *call, id string) (done string, ended int, err error)) func(*flag.FlagSet) runFunction {
	return func(*flag.FlagSet) runFunction {
		return func(ctx context.Context, x *call) error {
			id := x.args[0]
			done, ended, err := f(ctx, x, id)
			if err != nil {
				return err
			}
			v := struct {
				ID      string `json:"id"`
				Action  string `json:"action"`
				Revoked int    `json:"revoked"`
			}{id, done, ended}
			return x.say(v, fmt.Sprintf("client %s %s%s", clean(id), done, grantsEnded(ended)))
		}
	}
}

func grantsEnded(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return ", 1 grant ended"
	}
	return ", " + strconv.Itoa(n) + " grants ended"
}

// settings are the flags of a client.
type settings struct {
	name, scope, initial, method, format string
	keys                                 string
	redirects, grants, resources, serves list
	tokenTTL                             time.Duration
}

func (s *settings) declare(fs *flag.FlagSet) {
	fs.StringVar(&s.name, "name", "", "what the consent page calls it")
	fs.Var(&s.redirects, "redirect", "`URI` that codes are sent to; may be there several times")
	fs.StringVar(&s.scope, "scope", "", "scopes that it may ask for, parted by spaces; empty: all of the server")
	fs.StringVar(&s.initial, "default-scope", "", "scopes that it gets where it asks for none")
	fs.Var(&s.grants, "grant", "grant `type` that it may use, in place of the kind's; may be there several times")
	fs.Var(&s.resources, "resource", "`URI` of an API that it may ask for (RFC 8707), beside the server's; may be there several times")
	fs.Var(&s.serves, "serves", "`URI` of an API that it is: it may introspect its tokens; may be there several times")
	fs.StringVar(&s.method, "method", "", "how it authenticates: client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, none or one of your own")
	fs.StringVar(&s.keys, "jwks-uri", "", "https `URL` of its public keys, for private_key_jwt")
	fs.StringVar(&s.format, "token-format", "", "opaque or jwt; empty: the server's")
	fs.DurationVar(&s.tokenTTL, "token-ttl", 0, "life of its access tokens; 0: the server's")
}

// set changes c as the flags say that were given.
func (s *settings) set(fs *flag.FlagSet, c *store.Client) error {
	d, p := &c.Metadata, &c.Policy
	var failed error
	scopes := func(flagName, text string) mandate.Scopes {
		list, err := mandate.ParseScopes(text)
		if err != nil {
			failed = fmt.Errorf("admin: -%s %q: %w", flagName, text, err)
		}
		return list
	}
	fs.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "name":
			d.Name = s.name
		case "redirect":
			d.RedirectURIs = slices.Clone(s.redirects)
		case "scope":
			if p.Scopes != "" { // what the server says of it counts first
				p.Scopes = scopes(f.Name, s.scope)
			} else {
				d.Scope = string(scopes(f.Name, s.scope))
			}
		case "default-scope":
			p.Default = scopes(f.Name, s.initial)
		case "grant":
			d.GrantTypes = slices.Clone(s.grants)
		case "resource":
			p.Resources = strings.Join(s.resources, " ")
		case "serves":
			p.Serves = strings.Join(s.serves, " ")
		case "method":
			d.AuthMethod = s.method
		case "jwks-uri":
			d.JWKSURI = s.keys
		case "token-format":
			p.TokenFormat = s.format
		case "token-ttl":
			p.TokenTTL = s.tokenTTL
		}
	})
	return failed
}

func clientAdd(fs *flag.FlagSet) runFunction {
	var s settings
	kind := fs.String("kind", string(Confidential), "confidential, public, native or machine")
	id := fs.String("id", "", "its client_id; empty: a random one")
	s.declare(fs)
	return func(ctx context.Context, x *call) error {
		c, err := NewClient(Kind(*kind))
		if err != nil {
			return err
		}
		if *id != "" {
			c.ID = *id
		}
		if err := s.set(fs, c); err != nil {
			return err
		}
		c, secret, err := x.Create(ctx, c)
		if err != nil {
			return err
		}
		return x.secret(c.ID, secret, nil, "client "+clean(c.ID)+" added")
	}
}

// secret shows a client's secret, this once.
func (x *call) secret(id, secret string, kept []keptSecret, line string) error {
	v := struct {
		ID      string       `json:"id"`
		Secret  string       `json:"secret,omitempty"`
		Secrets []keptSecret `json:"secrets,omitempty"`
	}{id, secret, kept}
	if secret != "" {
		line += "\nsecret  " + secret + "\nIt is shown this once."
	}
	return x.say(v, line)
}

func clientUpdate(fs *flag.FlagSet) runFunction {
	var s settings
	s.declare(fs)
	renew := fs.Bool("new-secret", false, "give it a new secret in place of all others, as a change of -method may need")
	return func(ctx context.Context, x *call) error {
		given := 0
		fs.Visit(func(f *flag.Flag) {
			if f.Name != "json" {
				given++
			}
		})
		if given == 0 {
			return errors.New("admin: client update: no flag says what to change: see help client update")
		}
		secret := ""
		c, err := x.Update(ctx, x.args[0], func(c *store.Client) error {
			if err := s.set(fs, c); err != nil || !*renew {
				return err
			}
			if !c.Metadata.UsesSecret() {
				return fmt.Errorf("admin: client update: -new-secret: client %q authenticates by %s and has no secret", c.ID, c.Metadata.Method())
			}
			var kept store.Secret
			secret, kept = x.newSecret(c)
			c.Secrets = []store.Secret{kept}
			return nil
		})
		switch {
		case err != nil:
			return err
		case secret != "":
			return x.secret(c.ID, secret, keptSecrets(c), "client "+clean(c.ID)+" has a new secret and no other")
		}
		return x.showClient(c)
	}
}

func clientApply(fs *flag.FlagSet) runFunction {
	dry := fs.Bool("dry-run", false, "say what would change, and change nothing")
	return func(ctx context.Context, x *call) error {
		specs, err := x.specs()
		if err != nil {
			return err
		}
		do := x.Apply
		if *dry {
			do = x.Preview
		}
		changes, err := do(ctx, specs)
		if *dry && err != nil {
			return err
		}
		v := struct {
			DryRun  bool     `json:"dry_run,omitempty"`
			Clients []Change `json:"clients"`
		}{*dry, changes}
		shown := x.show(v, func() error {
			if len(changes) == 0 {
				return nil
			}
			return x.table([]string{"CLIENT", "ACTION", "CHANGED", "SECRET"}, func(row func(...string)) {
				for _, c := range changes {
					what := strings.Join(c.Fields, " ") + grantsEnded(c.Ended)
					row(c.ID, string(c.Action), strings.TrimPrefix(what, ", "), c.Secret)
				}
			})
		})
		return errors.Join(err, shown)
	}
}

// specs reads the file that the first argument names.
func (x *call) specs() ([]Spec, error) {
	name := x.args[0]
	if name == "-" {
		if x.in == nil {
			return nil, errors.New("admin: client apply -: there is no input: set Command.In, or name a file")
		}
		return ReadSpecs(x.in)
	}
	f, err := os.Open(name) // #nosec G304 -- the operator names it
	if err != nil {
		return nil, fmt.Errorf("admin: client apply: %w", err)
	}
	defer func() { _ = f.Close() }() // it was read
	return ReadSpecs(io.LimitReader(f, maxFile))
}

// maxFile is how much is read of a file of clients.
const maxFile = 64 << 20

// pages are the flags of a list.
func pages(fs *flag.FlagSet) func() store.Page {
	after := fs.String("after", "", "begin behind this `ID`: what the list before ended with")
	limit := fs.Int("limit", 100, "how many at most")
	return func() store.Page { return store.Page{After: *after, Limit: max(*limit, 1)} }
}

// nextOf returns where a list that was read with page goes on, or "".
func nextOf[T any](page store.Page, list []T, id func(T) string) string {
	if len(list) < page.Limit {
		return ""
	}
	return id(list[len(list)-1])
}

func clientList(fs *flag.FlagSet) runFunction {
	page := pages(fs)
	origin := fs.String("origin", "", "only those that came so: operator, or registered, by themselves (a page may then be short, or empty, and have a next)")
	return func(ctx context.Context, x *call) error {
		from := page()
		if *origin != "" && *origin != "operator" && *origin != string(store.ByRegistration) {
			return fmt.Errorf("admin: client list: -origin %q is neither operator nor registered", *origin)
		}
		list, err := x.Clients(ctx, from)
		if err != nil {
			return err
		}
		next := nextOf(from, list, func(c *store.Client) string { return c.ID })
		list = slices.DeleteFunc(list, func(c *store.Client) bool { return x.fixed(c.ID) != nil })
		if from.After == "" {
			list = append(x.server.FixedClients(), list...)
		}
		list = slices.DeleteFunc(list, func(c *store.Client) bool {
			registered := c.Origin == store.ByRegistration || c.Policy.Registered.Via != ""
			return *origin != "" && registered != (*origin == string(store.ByRegistration))
		}) // clients of documents are in no list: nothing of them is stored
		views := make([]clientView, len(list))
		for i, c := range list {
			views[i] = x.view(c)
		}
		return listed(x.printer, "clients", []string{"CLIENT", "KIND", "STATE", "CREATED", "NAME"}, views, next, func(v clientView) []string {
			return []string{v.ID, string(v.Kind), v.state(), when(v.Created), v.Metadata.Name}
		})
	}
}

func clientShow(*flag.FlagSet) runFunction {
	return func(ctx context.Context, x *call) error {
		c, err := x.Client(ctx, x.args[0])
		if err != nil {
			return err
		}
		return x.showClient(c)
	}
}

func clientExport(*flag.FlagSet) runFunction {
	return func(ctx context.Context, x *call) error {
		specs := []Spec{}
		for after := ""; ; {
			page, err := x.Clients(ctx, store.Page{After: after})
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			for _, c := range page {
				if c.Origin == store.ByOperator && c.Policy.Registered.Via == "" && x.fixed(c.ID) == nil {
					specs = append(specs, SpecOf(c))
				}
			}
			after = page[len(page)-1].ID
		}
		p := printer{x.out, true}
		return p.show(map[string]any{"clients": specs}, nil)
	}
}
