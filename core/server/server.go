package server

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/pages"
	"github.com/go-mandate/mandate/core/store"
)

// Server is an authorization server: one issuer. [New] makes it; it may be used by any number of goroutines.
type Server struct {
	config        Config
	at            place
	store         store.Store
	hooks         mandate.Hooks
	pages         *pages.Set
	challenge     string // the Basic challenge of invalid_client
	escapedIssuer string // as a parameter
	browserCookie string
	sessionCookie string

	fixed     map[string]*store.Client
	scopes    map[string]Scope
	allScopes mandate.Scopes
	grants    map[string]GrantType
	responses map[string]ResponseType
	justCode  []string           // the usual response type; never changed
	paths     map[string]string  // of endpoints, by name, as mounted
	added     []mandate.Endpoint // of extensions
	documents *documents         // nil: off
	metadata  []byte

	refresh *mandate.MAC      // codes and refresh tokens
	kid     string            // of the current key of refresh
	lead    lead              // of what is made now
	flows   *mandate.ShortMAC // grant ids and handles, CSRF tokens
	pending *mandate.Sealer   // pending requests
	atRest  *mandate.Sealer   // signing keys and recoverable client secrets
	slow    *slowSecrets
	pushes  *quota // of public clients
	objects *objects
	rich    map[string]*RichType
	keys    keyring

	userCodes *mandate.MAC // what a store finds a user code by
	devices   *quota       // of public clients

	nobody *stranger // of OAuth 1.0a; nil: that is off

	clientKeys    *clientKeys
	assertionAlgs []jose.Alg // of client assertions; the symmetric ones last
	tokenURL      string     // an audience of theirs

	logos  logos
	stands sync.Map // client id -> number of its standing grant (int64)

	paused   atomic.Int64 // seconds after which to come back; 0: open
	requests sync.Pool    // of *TokenRequest, for those that nobody else ever sees
}

// New returns the server that config describes. It does no I/O. An error names the field and the way out.
func New(config Config) (*Server, error) {
	c := config
	at, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		config: c, at: at, store: c.Store, hooks: c.Hooks, pages: c.Pages,
		challenge:     `Basic realm="` + mandate.Printable(c.Issuer) + `"`,
		escapedIssuer: url.QueryEscape(c.Issuer),
		fixed:         make(map[string]*store.Client),
		scopes:        make(map[string]Scope),
		grants:        make(map[string]GrantType),
		responses:     make(map[string]ResponseType),
		justCode:      []string{"code"},
		refresh:       c.Secret.MAC("refresh", c.Issuer),
		flows:         c.Secret.ShortMAC("flow", c.Issuer),
		pending:       c.Secret.ShortSealer("pending request", c.Issuer),
		atRest:        c.Secret.Sealer("at rest", c.Issuer),
		userCodes:     c.Secret.MAC("user code", c.Issuer),
		slow:          newSlowSecrets(c.SecretCores, c.VerifySecret),
	}
	s.lead = leadOf(c.TokenPrefixes[0])
	s.objects = &objects{fetcher: c.Fetcher, now: s.now, set: make(map[string]*objectAt)}
	if p := c.PushedRequests; p != nil {
		s.pushes = newQuota(maxPushedClient, p.TTL+flowTTL)
	}
	if d := c.Device; d != nil {
		s.devices = newQuota(maxDeviceClient, d.TTL+keepDevice)
	}
	s.logos.known, s.logos.fetch, s.logos.now = make(map[string]*logo), s.fetchLogo, s.now
	if c.OAuth1 != nil {
		if s.nobody, err = s.newStranger(); err != nil {
			return nil, err
		}
	}
	s.kid = keyName(s.refresh.Current())
	s.nameCookies()
	s.keys.server = s
	s.assertionAlgs = assertionAlgsOf(&c)
	s.clientKeys = newClientKeys(c.Fetcher, c.Now, s.keysFailed)
	for _, scope := range c.Scopes {
		s.scopes[scope.Name] = scope
		s.allScopes = s.allScopes.With(mandate.Scopes(scope.Name))
	}
	if err := s.addGrants(); err != nil {
		return nil, err
	}
	if err := s.checkRequests(); err != nil {
		return nil, err
	}
	if err := s.addRich(); err != nil {
		return nil, err
	}
	if err := s.addClients(); err != nil {
		return nil, err
	}
	if c.ClientDocuments != nil {
		s.documents = newDocuments(s)
	}
	if err := s.describe(); err != nil {
		return nil, err
	}
	if err := s.checkDeadlines(); err != nil {
		return nil, err
	}
	s.tokenURL = s.url("token")
	return s, nil
}

func (s *Server) addClients() error {
	for _, c := range s.config.Clients {
		if c != nil {
			c = s.sealed(c)
		}
		if err := s.CheckClient(c); err != nil {
			return err
		}
		if s.fixed[c.ID] != nil {
			return fmt.Errorf("server: Clients has %q twice", c.ID)
		}
		s.fixed[c.ID] = c
	}
	return nil
}

func (s *Server) addGrants() error {
	grants := slices.Clone(s.config.GrantTypes)
	for _, e := range s.config.Extensions {
		grants = append(grants, e.GrantTypes...)
		for _, r := range e.Responses {
			if _, ok := s.responses[r.Name]; ok || r.Name == "" || r.Respond == nil {
				return fmt.Errorf("server: extension %q has the response type %q, which is taken, has no name or does nothing", e.Name, r.Name)
			}
			s.responses[r.Name] = r
		}
	}
	if s.config.Device != nil {
		grants = append(grants, deviceGrant{s})
	}
	for _, g := range grants {
		if g == nil || g.Name() == "" {
			return fmt.Errorf("server: GrantTypes has one that is nil or has no name")
		}
		if s.grants[g.Name()] != nil {
			return fmt.Errorf("server: grant type %q is there twice", g.Name())
		}
		if c, ok := g.(Checker); ok {
			if err := c.Check(s.config.Issuer); err != nil {
				return err
			}
		}
		s.grants[g.Name()] = g
	}
	if s.config.InsecureImplicit {
		if _, ok := s.responses[responseToken]; ok || s.grants[grantImplicit] != nil {
			return fmt.Errorf("server: InsecureImplicit is set, and the response type %q or the grant type %q is an extension's", responseToken, grantImplicit)
		}
		s.responses[responseToken] = ResponseType{Name: responseToken, Front: true, Respond: s.respondToken}
	}
	for _, name := range slices.Sorted(maps.Keys(s.config.Lifetimes)) {
		if s.grants[name] == nil && (name != grantImplicit || !s.config.InsecureImplicit) {
			return fmt.Errorf("server: Lifetimes has %q, which is not among GrantTypes: %v", name, slices.Sorted(maps.Keys(s.grants)))
		}
	}
	if s.grants[grantCode] != nil {
		if _, ok := s.responses["code"]; ok {
			return fmt.Errorf("server: an extension has the response type %q, which is the server's own", "code")
		}
		s.responses["code"] = ResponseType{Name: "code", Respond: s.respondCode}
	}
	return nil
}

// Issuer returns the issuer identifier.
func (s *Server) Issuer() string { return s.config.Issuer }

// now returns the time in whole milliseconds, as stores keep it.
func (s *Server) now() time.Time { return time.UnixMilli(s.config.Now().UnixMilli()).UTC() }

// alarmTime bounds a write that raises an alarm: it must not hang, and it must not be undone either.
const alarmTime = 10 * time.Second

// alarmed returns ctx for a security write: neither a caller that hangs up nor its deadline undoes it.
func alarmed(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), alarmTime)
}
