package main

import "github.com/go-mandate/mandate/core/server"

// grantTypes are the grants that exist.
func grantTypes() []string {
	return []string{"authorization_code", "refresh_token", "client_credentials", server.GrantTypeDevice}
}

// serverGrants returns the grants called names, which [known] has seen.
func serverGrants(names []string) []server.GrantType {
	made := map[string]server.GrantType{
		"authorization_code": server.AuthorizationCode(),
		"refresh_token":      server.RefreshToken(),
		"client_credentials": server.ClientCredentials(),
	}
	grants := make([]server.GrantType, 0, len(names))
	for _, name := range names {
		if g := made[name]; g != nil { // the device grant comes with its endpoints
			grants = append(grants, g)
		}
	}
	return grants
}
