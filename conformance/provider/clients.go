package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// client is one of the configuration's clients: its metadata by the names of RFC 7591, section 2, and what this
// server adds.
type client struct {
	ID           string   `json:"client_id"`
	Secret       string   `json:"client_secret"`
	TokenFormat  string   `json:"token_format"`
	AccessTTL    *int64   `json:"access_token_ttl_s"`
	CodeTTL      *int64   `json:"code_ttl_s"`
	Introspect   string   `json:"introspect"`
	ExchangeFrom []string `json:"exchange_from"`

	metadata oauth2.ClientMetadata
}

// UnmarshalJSON reads both halves of the object.
func (c *client) UnmarshalJSON(data []byte) error {
	type own client // without this method
	if err := json.Unmarshal(data, (*own)(c)); err != nil {
		return err
	}
	if err := json.Unmarshal(data, &c.metadata); err != nil {
		return err
	}
	c.metadata.Extra = nil // the members of the other half
	return nil
}

// storeClients returns the clients as the server wants them.
func (c *config) storeClients() ([]*store.Client, error) {
	var clients []*store.Client
	for i := range c.Clients {
		one, err := c.storeClient(&c.Clients[i])
		if err != nil {
			return nil, fmt.Errorf("clients[%d] %q: %w", i, c.Clients[i].ID, err)
		}
		clients = append(clients, one)
	}
	return clients, nil
}

func (c *config) storeClient(in *client) (*store.Client, error) {
	for _, grant := range in.metadata.GrantTypes {
		if !slices.Contains(c.GrantTypes, grant) {
			return nil, fmt.Errorf("grant_types has %q, which this server does not serve", grant)
		}
	}
	for _, response := range in.metadata.ResponseTypes {
		if !slices.Contains(c.ResponseTypes, response) {
			return nil, fmt.Errorf("response_types has %q, which this server does not answer: there are %s", response, strings.Join(c.ResponseTypes, ", "))
		}
	}
	if method := in.metadata.Method(); !slices.Contains(c.AuthMethods, method) {
		return nil, fmt.Errorf("token_endpoint_auth_method %q is not among client_auth_methods", method)
	}
	if t := in.metadata.ApplicationType; t != "" && t != "web" && t != "native" {
		return nil, fmt.Errorf("application_type %q is neither web nor native", t)
	}
	if in.TokenFormat == string(server.JWT) && len(c.Resources) == 0 {
		return nil, fmt.Errorf("token_format is jwt and resources is empty: nobody could be their audience")
	}
	out := &store.Client{ID: in.ID, Metadata: in.metadata}
	out.Policy.TokenFormat = in.TokenFormat
	switch in.Introspect {
	case "", "own":
	case "all":
		out.Policy.Introspect = "all"
	default:
		return nil, fmt.Errorf("introspect %q is neither own nor all", in.Introspect)
	}
	for name, ttl := range map[string]*int64{"access_token_ttl_s": in.AccessTTL, "code_ttl_s": in.CodeTTL} {
		if ttl != nil && (*ttl < 1 || *ttl > maxSeconds) {
			return nil, fmt.Errorf("%s %d is not between 1 and %d", name, *ttl, maxSeconds)
		}
	}
	out.Policy.TokenTTL, out.Policy.CodeTTL = seconds(in.AccessTTL), seconds(in.CodeTTL)
	c.consent(out)
	switch {
	case in.Secret == "":
	case in.metadata.Method() == "client_secret_jwt":
		out.Secrets = []store.Secret{server.ClearSecret(in.Secret)}
	case !in.metadata.UsesSecret():
		return nil, fmt.Errorf("client_secret is set, and token_endpoint_auth_method %q has none", in.metadata.Method())
	default:
		secret, err := keepSecret(in.Secret, *c.PasswordCost)
		if err != nil {
			return nil, err
		}
		out.Secrets = []store.Secret{secret}
	}
	return out, nil
}

// longSecret is the length from which a secret is taken to be generated, not chosen.
const longSecret = 32

// keepSecret returns how a client secret is kept: a digest of a long one, a slow hash of what a person may have chosen.
func keepSecret(secret string, cost int) (store.Secret, error) {
	if len(secret) >= longSecret {
		return server.HashSecret(secret), nil
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(secret), cost)
	if err != nil {
		return store.Secret{}, fmt.Errorf("client_secret: %w", err)
	}
	return store.Secret{Form: store.Bcrypt, Value: hash}, nil
}
