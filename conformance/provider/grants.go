package main

import (
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
)

// grantTypes are the grants that exist.
func grantTypes() []string {
	return append(usualGrants(), oauth2.GrantTokenExchange, oauth2.GrantJWTBearer, "password", "implicit")
}

// usualGrants are those of a configuration that names none.
func usualGrants() []string {
	return []string{"authorization_code", "refresh_token", "client_credentials", oauth2.GrantDeviceCode}
}

// serverGrants returns the grants called names, which [known] has seen.
func (s *settings) serverGrants(names []string) []server.GrantType {
	made := map[string]server.GrantType{
		"authorization_code":      server.AuthorizationCode(),
		"refresh_token":           server.RefreshToken(),
		"client_credentials":      server.ClientCredentials(),
		oauth2.GrantTokenExchange: server.TokenExchange(server.TokenExchangeConfig{Policy: s.config.mayExchange}),
		oauth2.GrantJWTBearer:     server.JWTBearer(server.JWTBearerConfig{Clients: true, User: s.people.bySubject}),
		"password":                server.InsecurePassword(s.people.passwordOf),
	}
	grants := make([]server.GrantType, 0, len(names))
	for _, name := range names {
		if g := made[name]; g != nil { // the device grant comes with its endpoints, and implicit with the one for authorization
			grants = append(grants, g)
		}
	}
	return grants
}
