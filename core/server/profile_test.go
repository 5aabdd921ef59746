package server_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
)

// forProfile returns a configuration that is enough for every profile.
func forProfile(p server.Profile) server.Config {
	c := valid()
	c.Profile, c.Clients = p, nil
	c.Scopes = []server.Scope{{Name: "read", Public: true}}
	c.Resources = []string{"https://mcp.example.com/mcp"}
	c.SignIn = func(context.Context, string, string) (server.User, error) { return server.User{}, mandate.AccessDenied }
	return c
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	const code, refresh, own, device, password, implicit = "authorization_code", "refresh_token", "client_credentials", oauth2.GrantDeviceCode, "password", "implicit"
	for profile, want := range map[server.Profile]struct {
		grants    []string
		endpoints string // beside those that every server has
	}{
		"":                           {[]string{code, own, refresh}, "accounts authorization consent login"},
		server.ProfileWeb:            {[]string{code, refresh}, "accounts authorization consent login"},
		server.ProfileMobile:         {[]string{code, refresh, device}, "accounts authorization consent device device_authorization login"},
		server.ProfileBackend:        {[]string{own}, ""},
		server.ProfileOAuth21:        {[]string{code, own, refresh}, "accounts authorization consent login"},
		server.ProfileMCP:            {[]string{code, refresh}, "accounts authorization consent login"},
		server.InsecureProfileLegacy: {[]string{password, refresh}, ""},
		server.InsecureProfileAll:    {[]string{code, own, implicit, password, refresh, device}, "accounts authorization consent device device_authorization login"},
	} {
		t.Run("profile "+string(profile), func(t *testing.T) {
			t.Parallel()
			s, err := server.New(forProfile(profile))
			if err != nil {
				t.Fatal(err)
			}
			list, err := s.Endpoints(server.Mounting{})
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, e := range list {
				switch e.Name {
				case "token", "revocation", "introspection", "jwks":
				case "metadata":
					body := string(e.Handle(t.Context(), &mandate.Request{Method: "GET"}).Body)
					if grants := `"grant_types_supported":["` + strings.Join(want.grants, `","`) + `"]`; !strings.Contains(body, grants) {
						t.Errorf("metadata = %s, want %s", body, grants)
					}
					if strings.Contains(body, `"client_id_metadata_document_supported":true`) != (profile == server.ProfileMCP) {
						t.Errorf("metadata = %s", body)
					}
					if strings.Contains(body, `"token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post","private_key_jwt"]`) != (profile == server.ProfileBackend) {
						t.Errorf("metadata = %s", body)
					}
				default:
					names = append(names, e.Name)
				}
			}
			slices.Sort(names)
			if got := strings.Join(names, " "); got != want.endpoints {
				t.Errorf("endpoints = %q, want %q", got, want.endpoints)
			}
		})
	}
}

func TestProfileRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		profile server.Profile
		change  func(c *server.Config)
		want    string
	}{
		"one that is none":            {"webb", func(*server.Config) {}, `Profile "webb"`},
		"oauth2.1 with implicit":      {server.ProfileOAuth21, func(c *server.Config) { c.InsecureImplicit = true }, "InsecureImplicit"},
		"oauth2.1 with optional PKCE": {server.ProfileOAuth21, func(c *server.Config) { c.PKCE = server.PKCEPublic }, "PKCE"},
		"oauth2.1 without rotation":   {server.ProfileOAuth21, func(c *server.Config) { c.Rotation = server.RotateNever }, "Rotation never"},
		"oauth2.1 with passwords": {server.ProfileOAuth21, func(c *server.Config) {
			c.GrantTypes = []server.GrantType{server.InsecurePassword(func(context.Context, server.Client, string, string) (server.User, error) { return server.User{}, nil })}
		}, "grant type password"},
		"mcp with implicit":         {server.ProfileMCP, func(c *server.Config) { c.InsecureImplicit = true }, "InsecureImplicit"},
		"mcp without iss":           {server.ProfileMCP, func(c *server.Config) { c.OmitIss = true }, "OmitIss"},
		"mcp without resources":     {server.ProfileMCP, func(c *server.Config) { c.Resources = nil }, "no Resources"},
		"mcp without public scopes": {server.ProfileMCP, func(c *server.Config) { c.Scopes = []server.Scope{{Name: "read"}} }, "Public"},
		"legacy without a sign-in":  {server.InsecureProfileLegacy, func(c *server.Config) { c.SignIn = nil }, "SignIn"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := forProfile(tc.profile)
			tc.change(&c)
			if _, err := server.New(c); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error = %v, want one that says %q", err, tc.want)
			}
		})
	}
}

// TestProfileKeepsWhatIsSet proves that a profile only fills in.
func TestProfileKeepsWhatIsSet(t *testing.T) {
	t.Parallel()
	c := forProfile(server.ProfileWeb)
	c.GrantTypes = []server.GrantType{server.ClientCredentials()}
	s, err := server.New(c)
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.Endpoints(server.Mounting{})
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(list, func(e mandate.Endpoint) bool { return e.Name == "authorization" }) {
		t.Error("the profile put grants beside those that were set")
	}
}
