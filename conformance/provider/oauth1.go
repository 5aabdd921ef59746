package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// oauth1Config is what there is for clients of OAuth 1.0a (RFC 5849).
type oauth1Config struct {
	Consumers []consumer `json:"consumers"`
	Path      string     `json:"resource_path"`
	Realm     string     `json:"realm"`
	Methods   []string   `json:"signature_methods"`
}

// consumer is a client that signs: with a secret, an RSA key, or either. It may ask for its realms, which are scopes, and gets them where it asks for nothing;
// without a token it may sign requests for itself.
type consumer struct {
	Key       string   `json:"key"`
	Secret    string   `json:"secret"`
	PublicKey string   `json:"rsa_public_key"`
	Callbacks []string `json:"callbacks"`
	Realms    []string `json:"realms"`
}

func oauth1Shape() shape {
	return object([]string{"resource_path", "realm", "signature_methods"}).
		with("consumers", list(object([]string{"key", "secret", "rsa_public_key", "callbacks", "realms"})))
}

// checkOAuth1 refuses members about OAuth 1.0a that contradict each other.
func (c *config) checkOAuth1() error {
	on := c.Features.OAuth1 != nil && *c.Features.OAuth1
	switch {
	case on && c.OAuth1 == nil:
		return errors.New("features.oauth1 is true and oauth1 is missing: nobody could use it")
	case !on && c.OAuth1 != nil:
		return errors.New("oauth1 is set and features.oauth1 is not true")
	case c.OAuth1 == nil || c.OAuth1.Methods == nil:
		return nil
	}
	return known("oauth1.signature_methods", c.OAuth1.Methods, []string{
		oauth1.HMACSHA1.Name(), oauth1.HMACSHA256.Name(), oauth1.HMACSHA512.Name(), oauth1.RSASHA1.Name(), oauth1.RSASHA256.Name(), oauth1.RSASHA512.Name(), oauth1.Plaintext.Name(),
	})
}

// serverOAuth1 returns how clients of OAuth 1.0a are served, or nil.
func (c *config) serverOAuth1() *server.OAuth1 {
	if c.OAuth1 == nil {
		return nil
	}
	o := &server.OAuth1{Realm: c.OAuth1.Realm}
	for _, name := range c.OAuth1.Methods {
		if name == oauth1.Plaintext.Name() {
			o.InsecurePlaintext = true
		} else {
			o.Methods = append(o.Methods, oauth1.Standard(name))
		}
	}
	if o.InsecurePlaintext && o.Methods == nil {
		o.Methods = []oauth1.Method{} // it alone
	}
	return o
}

// storeConsumers returns the consumers as the server wants them.
func (c *config) storeConsumers() ([]*store.Client, error) {
	if c.OAuth1 == nil {
		return nil, nil
	}
	var clients []*store.Client
	for i := range c.OAuth1.Consumers {
		one, err := c.storeConsumer(&c.OAuth1.Consumers[i])
		if err != nil {
			return nil, fmt.Errorf("oauth1.consumers[%d] %q: %w", i, c.OAuth1.Consumers[i].Key, err)
		}
		clients = append(clients, one)
	}
	return clients, nil
}

func (c *config) storeConsumer(in *consumer) (*store.Client, error) {
	out := &store.Client{ID: in.Key, Metadata: oauth2.ClientMetadata{
		Name: in.Key, GrantTypes: []string{server.GrantTypeOAuth1, "client_credentials"}, Scope: strings.Join(in.Realms, " "),
		RedirectURIs: slices.DeleteFunc(slices.Clone(in.Callbacks), func(to string) bool { return to == "oob" }),
	}}
	if slices.Contains(in.Callbacks, "oob") {
		out.Metadata.ApplicationType = "native"
	}
	for _, realm := range in.Realms {
		if !slices.Contains(c.Scopes, realm) {
			return nil, fmt.Errorf("realms has %q, which is not among scopes", realm)
		}
	}
	out.Policy.Default = mandate.Scopes(strings.Join(in.Realms, " "))
	if in.PublicKey != "" {
		key, err := jose.ParsePublicPEM("", []byte(in.PublicKey), "")
		if err != nil {
			return nil, fmt.Errorf("rsa_public_key: %w", err)
		}
		if out.Metadata.JWKS, err = jose.NewKeySet(key).MarshalJSON(); err != nil {
			return nil, fmt.Errorf("rsa_public_key: %w", err)
		}
	}
	if in.Secret != "" {
		out.Secrets = []store.Secret{server.ClearSecret(in.Secret)}
	} else {
		out.Metadata.AuthMethod = "private_key_jwt"
	}
	c.consent(out)
	return out, nil
}

// guardOAuth1 returns the API at oauth1.resource_path: whoever signs, with a token or without, and whoever has a Bearer token.
func (s *settings) guardOAuth1(srv *server.Server) (guarded, error) {
	audience := ""
	if all := s.config.audience(); len(all) > 0 {
		audience = all[0]
	}
	g, err := resource.New(resource.Config{
		Audience: audience, Verifiers: []resource.Verifier{resource.OAuth1{Server: srv}, resource.Of(srv)}, Realm: s.config.OAuth1.Realm,
		Hooks: guardHooks(s.log), Now: s.clock.now,
	})
	if err != nil {
		return guarded{}, err
	}
	return guarded{guard: g, endpoint: mandate.Endpoint{Name: "oauth1", Path: s.config.OAuth1.Path, Methods: []string{"GET", "POST", "PUT", "DELETE"}, Limit: maxResourceBody, Handle: tell}}, nil
}
