package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
)

// mayExchange is the policy: a client exchanges the tokens of those that its exchange_from names, and of nobody else.
func (c *config) mayExchange(_ context.Context, x *server.Exchange) error {
	for i := range c.Clients {
		if c.Clients[i].ID == x.Client.ID && slices.Contains(c.Clients[i].ExchangeFrom, x.Subject.Token.ClientID()) {
			return nil
		}
	}
	return mandate.AccessDenied
}

// bySubject returns the account that a client vouches for.
func (p *people) bySubject(_ context.Context, _ server.Client, t *mandate.Token) (server.User, error) {
	for _, who := range p.byName {
		if who.user.Subject == t.Subject() {
			return server.User{Subject: who.user.Subject, Name: who.user.Name}, nil
		}
	}
	return server.User{}, mandate.AccessDenied
}

// passwordOf checks a password that a client asked for.
func (p *people) passwordOf(ctx context.Context, _ server.Client, name, password string) (server.User, error) {
	return p.signIn(ctx, name, password)
}

// checkExchange refuses what contradicts itself about token exchange.
func (c *config) checkExchange() error {
	has := slices.Contains(c.GrantTypes, oauth2.GrantTokenExchange)
	if f := c.Features.Exchange; f != nil && *f != has {
		return fmt.Errorf("features.token_exchange is %v and grant_types says otherwise: it is there or not", *f)
	}
	for i := range c.Clients {
		one := &c.Clients[i]
		if len(one.ExchangeFrom) == 0 {
			continue
		}
		if !slices.Contains(one.metadata.GrantTypes, oauth2.GrantTokenExchange) {
			return fmt.Errorf("clients[%d] %q: exchange_from is set and grant_types has no %s", i, one.ID, oauth2.GrantTokenExchange)
		}
		for _, from := range one.ExchangeFrom {
			if !slices.ContainsFunc(c.Clients, func(other client) bool { return other.ID == from }) {
				return fmt.Errorf("clients[%d] %q: exchange_from has %q, which is none of clients", i, one.ID, from)
			}
		}
	}
	return nil
}

// checkResponseTypes sets the default of response_types, and refuses what grant_types contradicts.
func (c *config) checkResponseTypes() error {
	implicit, code := slices.Contains(c.GrantTypes, "implicit"), slices.Contains(c.GrantTypes, "authorization_code")
	if c.ResponseTypes == nil {
		if code {
			c.ResponseTypes = append(c.ResponseTypes, "code")
		}
		if implicit {
			c.ResponseTypes = append(c.ResponseTypes, "token")
		}
		return nil
	}
	if err := known("response_types", c.ResponseTypes, []string{"code", "token", "code token", "none"}); err != nil {
		return err
	}
	front := slices.Contains(c.ResponseTypes, "token") || slices.Contains(c.ResponseTypes, "code token")
	switch {
	case front != implicit:
		return errors.New("response_types with token and grant_types with implicit go together: one is missing")
	case code != (slices.Contains(c.ResponseTypes, "code") || slices.Contains(c.ResponseTypes, "code token")):
		return errors.New("response_types with code and grant_types with authorization_code go together: one is missing")
	}
	return nil
}

// responses returns the response types that are an extension.
func (c *config) responses() []server.Extension {
	if !slices.Contains(c.ResponseTypes, "none") {
		return nil
	}
	return []server.Extension{{Name: "response type none", Responses: []server.ResponseType{server.NoneResponse()}}}
}
