package demo

import (
	"context"
	"fmt"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// Profile returns a server with a profile on base, for the clients web and phone, which sign people in, and robot, which is a machine. One
// whose grants the profile does not have is left out. The robot's secret is robot-secret, people are demo with the password demo.
func Profile(profile server.Profile, base string) (*server.Server, error) {
	c := server.Config{
		Profile: profile, Issuer: base, Prefix: "/oauth", Store: memstore.New(),
		Scopes: []server.Scope{{Name: "invoices", Title: "Read your invoices", Public: true}}, DefaultScopes: "invoices",
		Resources: []string{base + "/mcp"},
		SignIn: func(_ context.Context, name, password string) (server.User, error) {
			if name != "demo" || password != "demo" {
				return server.User{}, mandate.AccessDenied
			}
			return server.User{Subject: "u1", Name: "Demo", AuthTime: time.Now()}, nil
		},
	}
	robot := func(grants ...string) *store.Client {
		return &store.Client{ID: "robot", Secrets: []store.Secret{server.HashSecret("robot-secret")}, Metadata: oauth2.ClientMetadata{GrantTypes: grants}}
	}
	web := &store.Client{ID: "web", Secrets: []store.Secret{server.HashSecret("web-secret")}, Metadata: oauth2.ClientMetadata{
		Name: "Books", RedirectURIs: []string{base + "/callback"}, GrantTypes: []string{"authorization_code", "refresh_token"},
	}}
	phone := &store.Client{ID: "phone", Metadata: oauth2.ClientMetadata{
		Name: "Books on the phone", AuthMethod: "none", RedirectURIs: []string{"com.example.books:/callback"}, GrantTypes: []string{"authorization_code", "refresh_token", oauth2.GrantDeviceCode},
	}}
	switch profile {
	case server.ProfileWeb, server.ProfileMCP:
		c.Clients = []*store.Client{web}
	case server.ProfileMobile:
		c.Clients = []*store.Client{web, phone}
	case server.ProfileBackend:
		c.Clients = []*store.Client{robot("client_credentials")}
	case server.InsecureProfileLegacy:
		c.Clients = []*store.Client{robot("password", "refresh_token")}
	case server.InsecureProfileAll:
		c.Clients = []*store.Client{web, phone, robot("client_credentials", "password", "refresh_token")}
	default:
		c.Clients = []*store.Client{web, robot("client_credentials")}
	}
	fmt.Printf("Open %s/.well-known/oauth-authorization-server: it says what is on.\n", base)
	return server.New(c)
}
