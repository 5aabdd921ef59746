package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// settings are what the configuration says, checked and hashed: once, however often a site is made of it.
type settings struct {
	config  *config
	clients []*store.Client
	people  *people
	fetcher mandate.Fetcher
	alg     jose.Alg
	secret  mandate.Secret
	clock   *clock
	log     *slog.Logger // nil: nothing is logged
}

// site is a server and the resources that it guards, without a framework yet.
type site struct {
	store     store.Store
	keys      jose.Ring // the configured ones; zero: the server has its own in the store
	server    *server.Server
	resources []guarded
	fault     mandate.Endpoint // the error page on a path of its own
}

// newSettings returns the settings of c, and the keys to begin with, which all processes that share st have.
func newSettings(ctx context.Context, c *config, st *storage, log *slog.Logger) (*settings, jose.Ring, error) {
	s := &settings{config: c, secret: mandate.NewRandomSecret(), clock: new(clock), log: log}
	var keys jose.Ring
	var err error
	if st.shared || c.Secret != "" {
		if s.secret, err = mandate.NewSecret(c.root); err != nil {
			return nil, keys, err
		}
	}
	if s.clients, err = c.storeClients(); err != nil {
		return nil, keys, err
	}
	consumers, err := c.storeConsumers()
	if err != nil {
		return nil, keys, err
	}
	s.clients = append(s.clients, consumers...)
	if s.fetcher, err = c.fetcher(); err != nil {
		return nil, keys, err
	}
	if s.people, err = newPeople(c.Accounts, *c.PasswordCost); err != nil {
		return nil, keys, err
	}
	if keys, s.alg, err = c.ring(); err == nil && st.shared && c.makesKeys() {
		keys, err = s.shareKeys(ctx, st.store, keys)
	}
	return s, keys, err
}

// site returns a site that keeps its state in st and signs with keys.
func (s *settings) site(st store.Store, keys jose.Ring) (*site, error) {
	c := s.config
	sc := server.Config{
		Issuer: c.Issuer, Store: st, Secret: s.secret,
		Clients: s.clients, Scopes: serverScopes(c.Scopes), DefaultAudience: c.audience(),
		GrantTypes: s.serverGrants(c.GrantTypes), InsecureImplicit: slices.Contains(c.GrantTypes, "implicit"), Extensions: c.responses(), SignIn: s.people.signIn, AccountPage: true, Logos: true, Device: c.serverDevice(), OAuth1: c.serverOAuth1(),
		SigningAlg: s.alg, Keys: keys,
		Registration: c.serverRegistration(), ClientDocuments: c.clientDocuments(),
		ClientAuthMethods: c.AuthMethods, ClientAuthAlgs: algs(c.SigningAlgs.TokenAuth), Fetcher: s.fetcher,
		CodeTTL: seconds(c.Lifetimes.Code), TokenTTL: seconds(c.Lifetimes.Access),
		RefreshIdle: seconds(c.Lifetimes.Refresh), SessionIdle: seconds(c.Lifetimes.Session), SessionTTL: seconds(c.Lifetimes.Session),
		Rotation: server.Rotation(c.Rotation), OmitIss: !on(c.Features.Iss),
		SignedIntrospection: c.SigningAlgs.signedIntrospection(), Hooks: logHooks(s.log), Now: s.clock.now,
	}
	if slices.ContainsFunc(s.clients, func(c *store.Client) bool { return c.Policy.TokenFormat == string(server.JWT) }) {
		sc.JWTTTL = sc.TokenTTL // which may be longer than a JWT's where there is none
	}
	if !c.Limits.Enabled {
		sc.Limiter = server.InsecureUnlimited()
	}
	if !on(c.Features.PKCE) {
		sc.PKCE = server.PKCEPublic
	}
	if idle := sc.RefreshIdle; idle > 365*24*time.Hour {
		sc.RefreshTTL = idle // or the server's default would end it earlier
	}
	switch {
	case c.GraceSeconds == nil:
	case *c.GraceSeconds == 0:
		sc.Grace = -1
	default:
		sc.Grace = seconds(c.GraceSeconds)
	}
	c.setRequests(&sc)
	srv, err := server.New(sc)
	if err != nil {
		return nil, err
	}
	w := &site{store: st, keys: keys, server: srv}
	if w.fault, err = c.errorPage(); err != nil {
		return nil, err
	}
	if w.resources, err = s.guardAll(srv, w.fault.Path); err != nil {
		return nil, err
	}
	return w, nil
}

// errOwnKeys says that the keys are not the configured ones.
var errOwnKeys = errors.New("the server makes its own keys")

// rotated returns w's configured keys with new ones, which sign once they have been published for a while.
func (w *site) rotated(now time.Time) (jose.Ring, error) {
	if w.keys == (jose.Ring{}) {
		return w.keys, errOwnKeys
	}
	keys, err := w.keys.Rotate(now, keyOverlap, keyRetention)
	if err != nil {
		return keys, fmt.Errorf("rotate keys: %w", err)
	}
	return keys, nil
}
