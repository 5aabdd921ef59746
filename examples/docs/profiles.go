package docs

import (
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// ProfileWeb is a server for web applications.
func ProfileWeb(st store.Store, secret mandate.Secret) (*server.Server, error) {
	// doc:start profile-web
	srv, err := server.New(server.Config{
		Profile: server.ProfileWeb,
		Issuer:  "https://app.example.com", Prefix: "/oauth", Store: st, Secret: secret,
		Scopes: []server.Scope{{Name: "invoices", Title: "Read your invoices"}},
	})
	// doc:end
	return srv, err
}

// Profiles are the others, which differ in a line or two.
func Profiles(c server.Config) []server.Config {
	mobile, backend, strict, mcp, legacy, all := c, c, c, c, c, c
	// doc:start profile-mobile
	mobile.Profile = server.ProfileMobile
	// doc:end
	// doc:start profile-backend
	backend.Profile = server.ProfileBackend
	// doc:end
	// doc:start profile-oauth21
	strict.Profile = server.ProfileOAuth21
	// doc:end
	// doc:start profile-mcp
	mcp.Profile = server.ProfileMCP
	mcp.Resources = []string{"https://app.example.com/mcp"}    // the MCP server
	mcp.Scopes = []server.Scope{{Name: "tools", Public: true}} // what strangers may ask people for
	mcp.Registration = &server.Registration{Open: true}        // for clients that know no documents yet
	// doc:end
	// doc:start profile-legacy
	legacy.Profile = server.InsecureProfileLegacy // SignIn checks the passwords
	// doc:end
	// doc:start profile-all
	all.Profile = server.InsecureProfileAll
	// doc:end
	return []server.Config{mobile, backend, strict, mcp, legacy, all}
}
