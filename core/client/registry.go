package client

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

// Registry holds the remote applications of this one, by name. It may be used by any number of goroutines.
type Registry struct {
	config  Config
	remotes []*Remote
	byName  map[string]*Remote

	tokens *Tokens // nil: none are kept
	sealer *mandate.Sealer
	cookie string // what the names of the cookies of logins begin with
	secure bool   // the application is on https
	origin string // of the base URL
}

// Remote is a remote application that is registered: what signs users in, holds their tokens and calls the API. It may be used by any number
// of goroutines.
type Remote struct {
	name     string
	reg      *Registry
	protocol Protocol
	calls    *API
	// Where the provider sends browsers back, unless [Registry.Endpoints] has another prefix.
	callback, loggedOut string
}

// NewRegistry returns the registry that c describes. It does no I/O. Its error names everything that is wrong, with every app.
func NewRegistry(c Config) (*Registry, error) {
	c, faults := c.withDefaults()
	reg := &Registry{config: c, byName: map[string]*Remote{}, secure: strings.HasPrefix(c.BaseURL, "https:")}
	if scheme, rest, ok := strings.Cut(c.BaseURL, "://"); ok {
		host, _, _ := strings.Cut(rest, "/")
		reg.origin = scheme + "://" + host
	}
	sum := sha256.Sum256([]byte(c.BaseURL))
	reg.cookie = "mandate-login-" + hex.EncodeToString(sum[:4]) + "-"
	if reg.secure {
		reg.cookie = "__Host-" + reg.cookie
	}
	reg.sealer = c.Secret.ShortSealer("client login", c.BaseURL)
	wiring := &Wiring{BaseURL: c.BaseURL, Fetcher: c.Fetcher, Now: c.Now, Hooks: c.Hooks, Secret: c.Secret}
	for i, app := range c.Apps {
		if app == nil {
			faults = append(faults, fmt.Errorf("client: Config.Apps[%d] is nil", i))
			continue
		}
		faults = append(faults, reg.add(i, app, wiring)...)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if c.Tokens != nil {
		var err error
		reg.tokens, err = NewTokens(TokensConfig{Store: c.Tokens, Secret: c.Secret, Lost: c.GrantLost, Renewed: c.TokenRenewed, Leeway: c.Leeway, Timeout: c.Timeout, Now: c.Now})
		return reg, err
	}
	return reg, nil
}

// add connects app, and returns everything that is wrong with it.
func (reg *Registry) add(i int, app App, w *Wiring) []error {
	var faults []error
	name := app.AppName()
	if !validName(name) {
		faults = append(faults, fmt.Errorf("client: Config.Apps[%d] has the name %q, want lower-case letters, digits, - and _: it is a part of URLs", i, name))
	}
	if _, ok := reg.byName[name]; ok {
		faults = append(faults, fmt.Errorf("client: Config.Apps[%d] has the name %q, which another app has already", i, name))
	}
	protocol, err := app.Connect(w)
	if err != nil {
		for _, fault := range split(err) {
			faults = append(faults, fmt.Errorf("client: app %q: %w", name, fault))
		}
		return faults
	}
	r := &Remote{name: name, reg: reg, protocol: protocol}
	if err := r.connect(); err != nil {
		for _, fault := range split(err) {
			faults = append(faults, fmt.Errorf("client: app %q: %w", name, fault))
		}
	}
	if r.callback, err = reg.callbackOf(r, defaultPrefix); err != nil {
		faults = append(faults, fmt.Errorf("client: app %q: %w", name, err))
	}
	var out error
	if r.loggedOut, out = reg.loggedOutOf(r, defaultPrefix); out != nil {
		faults = append(faults, fmt.Errorf("client: app %q: %w", name, out))
	}
	for _, other := range reg.remotes {
		if err == nil && other.callback == r.callback {
			faults = append(faults, fmt.Errorf("client: app %q: Callback %q is that of %q: each needs its own, so that their answers cannot be mixed up (RFC 9700, section 4.4)", name, r.callback, other.name))
		}
	}
	reg.byName[name] = r
	reg.remotes = append(reg.remotes, r)
	return faults
}

// split returns the errors that err joins.
func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

func validName(name string) bool {
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', i > 0 && (c == '-' || c == '_'):
		default:
			return false
		}
	}
	return name != "" && len(name) <= 64
}

// App returns the app called name, or nil. Logins of a nil Remote answer with a [Fault].
func (reg *Registry) App(name string) *Remote {
	if reg == nil {
		return nil
	}
	return reg.byName[name]
}

// Apps returns all apps, in their order in [Config]: for a page with a button for each.
func (reg *Registry) Apps() []*Remote { return append([]*Remote(nil), reg.remotes...) }

// Name returns the name of the app; "" for nil.
func (r *Remote) Name() string {
	if r == nil {
		return ""
	}
	return r.name
}

// Protocol returns what [App.Connect] returned; nil for nil.
func (r *Remote) Protocol() Protocol {
	if r == nil {
		return nil
	}
	return r.protocol
}

// defaultPrefix is where logins are unless they are mounted elsewhere.
const defaultPrefix = "/auth"

// callbackOf returns the redirect URI of r where the registry is mounted at prefix.
func (reg *Registry) callbackOf(r *Remote, prefix string) (string, error) {
	return reg.back(r.protocol.Callback(), "Callback", prefix+"/"+r.name+"/callback")
}
