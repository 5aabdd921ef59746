package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Profile is a ready-made server: it sets what [Config] leaves empty, and refuses what contradicts it.
type Profile string

// The profiles. Without one a server has the code grant with PKCE, refresh tokens and client credentials.
const (
	// ProfileWeb is for web applications: codes with PKCE, and refresh tokens.
	ProfileWeb Profile = "web"
	// ProfileMobile is for applications on phones, desktops and televisions (RFC 8252, RFC 8628): ProfileWeb, and device codes.
	ProfileMobile Profile = "mobile"
	// ProfileBackend is for machines alone: client credentials, by clients that authenticate. Nobody signs in, there is no page.
	ProfileBackend Profile = "backend"
	// ProfileOAuth21 is OAuth 2.1: the default, and nothing that it forbids can be turned on.
	ProfileOAuth21 Profile = "oauth2.1"
	// ProfileMCP is for servers of the Model Context Protocol: OAuth 2.1 with client ID metadata documents and the parameter iss. It needs Resources,
	// which name the MCP servers (RFC 8707) and are what tokens are for that were asked for without one, and scopes that are Public. For clients that know no documents yet set Registration as well: what
	// they register as their scope is then a default, not a limit. The MCP server itself is a guard with metadata (RFC 9728), see MountResource.
	ProfileMCP Profile = "mcp"

	// InsecureProfileLegacy is for applications that ask for passwords themselves: the password grant, checked by Config.SignIn, and
	// refresh tokens. See [InsecurePassword] for what is wrong with it.
	InsecureProfileLegacy Profile = "legacy"
	// InsecureProfileAll has every grant: codes, implicit answers, passwords (where there is a Config.SignIn), client credentials, device
	// codes, refresh tokens. For tests, and for the move from a library that has all of them on.
	InsecureProfileAll Profile = "all"
)

// applyProfile sets what the profile sets and c leaves empty, or says what of c contradicts it.
func (c *Config) applyProfile() error {
	grants := func(list ...GrantType) {
		if c.GrantTypes == nil {
			c.GrantTypes = list
		}
	}
	password := InsecurePassword(func(ctx context.Context, _ Client, name, password string) (User, error) {
		return c.SignIn(ctx, name, password)
	})
	switch c.Profile {
	case "":
	case ProfileWeb:
		grants(AuthorizationCode(), RefreshToken())
	case ProfileMobile:
		grants(AuthorizationCode(), RefreshToken())
		if c.Device == nil {
			c.Device = new(Device)
		}
	case ProfileBackend:
		grants(ClientCredentials())
		if c.ClientAuthMethods == nil {
			c.ClientAuthMethods = []string{methodBasic, methodPost, methodPrivateKeyJWT}
		}
	case ProfileOAuth21:
		return c.checkOAuth21()
	case ProfileMCP:
		grants(AuthorizationCode(), RefreshToken())
		return c.applyMCP()
	case InsecureProfileLegacy:
		if c.SignIn == nil {
			return errors.New("server: Profile legacy has nobody to check passwords: set SignIn")
		}
		grants(password, RefreshToken())
	case InsecureProfileAll:
		c.InsecureImplicit = true
		if c.Device == nil {
			c.Device = new(Device)
		}
		all := []GrantType{AuthorizationCode(), RefreshToken(), ClientCredentials()}
		if c.SignIn != nil {
			all = append(all, password)
		}
		grants(all...)
	default:
		return fmt.Errorf("server: Profile %q is unknown: choose one of the constants, such as server.ProfileWeb", c.Profile)
	}
	return nil
}

// checkOAuth21 refuses what OAuth 2.1 forbids.
func (c *Config) checkOAuth21() error {
	contradicts := func(what, way string) error {
		return fmt.Errorf("server: Profile %s forbids %s: %s, or choose another profile", c.Profile, what, way)
	}
	switch {
	case c.InsecureImplicit:
		return contradicts("InsecureImplicit", "leave it out")
	case c.PKCE != "" && c.PKCE != PKCERequired:
		return contradicts(fmt.Sprintf("PKCE %q", c.PKCE), "leave it empty")
	case c.Rotation == RotateNever:
		return contradicts("Rotation never", "leave it empty, or take RotatePublic")
	case slices.ContainsFunc(c.GrantTypes, func(g GrantType) bool { return g != nil && g.Name() == grantPassword }):
		return contradicts("the grant type password", "leave it out of GrantTypes")
	}
	return nil
}

// applyMCP sets what the authorization of the Model Context Protocol asks for.
func (c *Config) applyMCP() error {
	if err := c.checkOAuth21(); err != nil {
		return err
	}
	switch {
	case c.OmitIss:
		return errors.New("server: Profile mcp and OmitIss contradict: its clients talk to many servers and need iss against mix-up; leave OmitIss out")
	case len(c.Resources) == 0:
		return errors.New("server: Profile mcp has no Resources: name the MCP servers that tokens are for, such as https://mcp.example.com/mcp (RFC 8707)")
	case !slices.ContainsFunc(c.Scopes, func(s Scope) bool { return s.Public }):
		return errors.New("server: Profile mcp has no Scope that is Public: its clients are strangers and could ask for nothing")
	}
	if len(c.DefaultAudience) == 0 {
		c.DefaultAudience = c.Resources // a token that was asked for without a resource is good here and nowhere else
	}
	if c.ClientDocuments == nil {
		c.ClientDocuments = new(ClientDocuments)
	}
	if c.Registration != nil {
		r := *c.Registration
		r.ScopeIsDefault = true
		c.Registration = &r
	}
	return nil
}
