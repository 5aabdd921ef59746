package server_test

import (
	"context"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// nowhere is a store that New may not touch: it does no I/O.
type nowhere struct{ store.Store }

func valid() server.Config {
	return server.Config{Issuer: "http://127.0.0.1:8080", Store: nowhere{}, Scopes: []server.Scope{{Name: "read"}}}
}

func client(change func(*store.Client)) []*store.Client {
	c := &store.Client{
		ID: "web", Secrets: []store.Secret{server.HashSecret("secret")},
		Metadata: oauth2.ClientMetadata{RedirectURIs: []string{"https://app.example.com/cb"}},
	}
	change(c)
	return []*store.Client{c}
}

// ring returns a ring with a key for alg.
func ring(alg jose.Alg) jose.Ring {
	key, err := jose.Generate(alg)
	if err != nil {
		return jose.Ring{}
	}
	return jose.RingOf(key)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*server.Config)
		want   string // the error names it
	}{
		"cores that nobody has": {func(c *server.Config) { c.SecretCores = -1 }, "SecretCores"},
		"a secret of no form": {func(c *server.Config) {
			c.Clients = client(func(c *store.Client) { c.Secrets = []store.Secret{{Form: "pbkdf2", Value: []byte("x")}} })
		}, "VerifySecret"},
		"a broken bcrypt hash": {func(c *server.Config) {
			c.Clients = client(func(c *store.Client) { c.Secrets = []store.Secret{{Form: store.Bcrypt, Value: []byte("$2a$")}} })
		}, "HashPassphrase"},
		"a broken argon2id hash": {func(c *server.Config) {
			c.Clients = client(func(c *store.Client) { c.Secrets = []store.Secret{{Form: store.Argon2id, Value: []byte("$argon2id$")}} })
		}, "PHC"},
		"no issuer":                  {func(c *server.Config) { c.Issuer = "" }, "Issuer"},
		"issuer on http":             {func(c *server.Config) { c.Issuer = "http://id.example.com" }, "https"},
		"issuer with a query":        {func(c *server.Config) { c.Issuer = "https://id.example.com/?a" }, "Issuer"},
		"issuer with a fragment":     {func(c *server.Config) { c.Issuer = "https://id.example.com/#a" }, "Issuer"},
		"issuer with a slash":        {func(c *server.Config) { c.Issuer = "https://id.example.com/" }, "slash"},
		"issuer with user info":      {func(c *server.Config) { c.Issuer = "https://u@id.example.com" }, "Issuer"},
		"issuer of another scheme":   {func(c *server.Config) { c.Issuer = "ftp://id.example.com" }, "Issuer"},
		"no store":                   {func(c *server.Config) { c.Store = nil }, "Store"},
		"no secret off loopback":     {func(c *server.Config) { c.Issuer = "https://id.example.com" }, "Secret"},
		"prefix without slash":       {func(c *server.Config) { c.Prefix = "oauth" }, "Prefix"},
		"prefix with a slash behind": {func(c *server.Config) { c.Prefix = "/oauth/" }, "Prefix"},
		"a base path of elsewhere":   {func(c *server.Config) { c.BasePath = "/elsewhere" }, "BasePath"},
		"a token format":             {func(c *server.Config) { c.TokenFormat = "xml" }, "TokenFormat"},
		"JWTs for nobody":            {func(c *server.Config) { c.TokenFormat = server.JWT }, "DefaultAudience"},
		"a rotation":                 {func(c *server.Config) { c.Rotation = "sometimes" }, "Rotation"},
		"a PKCE policy":              {func(c *server.Config) { c.PKCE = "off" }, "PKCE"},
		"a grace too long":           {func(c *server.Config) { c.Grace = 6 * time.Minute }, "Grace"},
		"a code too long":            {func(c *server.Config) { c.CodeTTL = 11 * time.Minute }, "CodeTTL"},
		"a JWT too long":             {func(c *server.Config) { c.JWTTTL = 25 * time.Hour }, "JWTTTL"},
		"a symmetric algorithm":      {func(c *server.Config) { c.SigningAlg = jose.HS256 }, "SigningAlg"},
		"no algorithm":               {func(c *server.Config) { c.SigningAlg = "none" }, "SigningAlg"},
		"keys of another algorithm":  {func(c *server.Config) { c.Keys = ring(jose.EdDSA) }, "SigningAlg"},
		"a client that demands more": {func(c *server.Config) { c.Clients = client(func(c *store.Client) { c.Policy.DPoP = true }) }, "DPoP"},
		"a negative lifetime":        {func(c *server.Config) { c.TokenTTL = -1 }, "TokenTTL"},
		"a scope that is two":        {func(c *server.Config) { c.Scopes = []server.Scope{{Name: "a b"}} }, "Scopes"},
		"a scope twice":              {func(c *server.Config) { c.Scopes = []server.Scope{{Name: "a"}, {Name: "a"}} }, "Scopes"},
		"a scope without a name":     {func(c *server.Config) { c.Scopes = []server.Scope{{}} }, "Scopes"},
		"an unknown default scope":   {func(c *server.Config) { c.DefaultScopes = "write" }, "DefaultScopes"},
		"a relative resource":        {func(c *server.Config) { c.Resources = []string{"/api"} }, "Resources"},
		"a resource with a fragment": {func(c *server.Config) { c.DefaultAudience = []string{"https://a/#b"} }, "DefaultAudience"},
		"an error URL":               {func(c *server.Config) { c.ErrorURL = "https://a/#b" }, "ErrorURL"},
		"a grant type twice": {func(c *server.Config) {
			c.GrantTypes = []server.GrantType{server.RefreshToken(), server.RefreshToken()}
		}, "refresh_token"},
		"a nil grant type": {func(c *server.Config) { c.GrantTypes = []server.GrantType{nil} }, "GrantTypes"},
		"a nil client":     {func(c *server.Config) { c.Clients = []*store.Client{nil} }, "Clients"},
		"a client twice": {func(c *server.Config) {
			c.Clients = append(client(func(*store.Client) {}), client(func(*store.Client) {})...)
		}, `"web" twice`},
		"a client id with a space":    {func(c *server.Config) { c.Clients = client(func(c *store.Client) { c.ID = "a b" }) }, "a b"},
		"a client without secret":     {func(c *server.Config) { c.Clients = client(func(c *store.Client) { c.Secrets = nil }) }, "HashSecret"},
		"a public client with secret": {func(c *server.Config) { c.Clients = client(func(c *store.Client) { c.Metadata.AuthMethod = "none" }) }, "none"},
		"a public client that acts for itself": {func(c *server.Config) {
			c.Clients = client(func(c *store.Client) {
				c.Metadata.AuthMethod, c.Secrets, c.Metadata.GrantTypes = "none", nil, []string{"client_credentials"}
			})
		}, "client_credentials"},
		"a client without redirect URI": {func(c *server.Config) { c.Clients = client(func(c *store.Client) { c.Metadata.RedirectURIs = nil }) }, "redirect URI"},
		"a redirect URI on http": {func(c *server.Config) {
			c.Clients = client(func(c *store.Client) { c.Metadata.RedirectURIs = []string{"http://app.example.com"} })
		}, "app.example.com"},
		"a method that is unknown": {func(c *server.Config) { c.Clients = client(func(c *store.Client) { c.Metadata.AuthMethod = "magic" }) }, "magic"},
		"an unknown method":        {func(c *server.Config) { c.ClientAuthMethods = []string{"magic"} }, "magic"},
		"a method that is switched off": {func(c *server.Config) {
			c.ClientAuthMethods, c.Clients = []string{"none"}, client(func(*store.Client) {})
		}, "ClientAuthMethods"},
		"a grant type with a slip": {func(c *server.Config) {
			c.Clients = client(func(c *store.Client) { c.Metadata.GrantTypes = []string{"client_credential"} })
		}, "client_credential"},
		"a scope that is not the server's": {func(c *server.Config) { c.Clients = client(func(c *store.Client) { c.Metadata.Scope = "write" }) }, "write"},
		"a secret that is no digest": {func(c *server.Config) {
			c.Clients = client(func(c *store.Client) { c.Secrets[0].Value = []byte("plain") })
		}, "HashSecret"},
		"a client's format":          {func(c *server.Config) { c.Clients = client(func(c *store.Client) { c.Policy.TokenFormat = "xml" }) }, "TokenFormat"},
		"a client's JWTs for nobody": {func(c *server.Config) { c.Clients = client(func(c *store.Client) { c.Policy.TokenFormat = "jwt" }) }, "DefaultAudience"},
		"a response type of the server": {func(c *server.Config) {
			c.Extensions = []server.Extension{{Name: "x", Responses: []server.ResponseType{{Name: "code", Respond: func(context.Context, *server.Ask, store.Grant, func(string, string)) error { return nil }}}}}
		}, "code"},
		"an endpoint without a handler": {func(c *server.Config) {
			c.Extensions = []server.Extension{{Name: "x", Endpoints: func(*server.Server) []mandate.Endpoint { return []mandate.Endpoint{{Name: "a", Path: "/a"}} }}}
		}, `"x"`},
		"an endpoint that is there": {func(c *server.Config) {
			c.Extensions = []server.Extension{{Name: "x", Endpoints: func(*server.Server) []mandate.Endpoint {
				return []mandate.Endpoint{{Name: "token", Path: "/a", Methods: []string{"GET"}, Handle: func(context.Context, *mandate.Request) *mandate.Response { return nil }}}
			}}}
		}, "token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := valid()
			tc.change(&c)
			if _, err := server.New(c); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("New error = %v, want one that names %q", err, tc.want)
			}
		})
	}
}

func TestNewAccepts(t *testing.T) {
	t.Parallel()
	secret := mandate.NewRandomSecret()
	for name, change := range map[string]func(*server.Config){
		"the least":             func(*server.Config) {},
		"https with a secret":   func(c *server.Config) { c.Issuer, c.Secret = "https://id.example.com", secret },
		"an issuer with a path": func(c *server.Config) { c.Issuer, c.Secret = "https://id.example.com/tenant/a", secret },
		"a path that is stripped": func(c *server.Config) {
			c.Issuer, c.Secret, c.BasePath = "https://id.example.com/auth", secret, "/auth"
		},
		"IPv6 loopback":         func(c *server.Config) { c.Issuer = "http://[::1]:8080" },
		"a confidential client": func(c *server.Config) { c.Clients = client(func(*store.Client) {}) },
		"keys of one's own":     func(c *server.Config) { c.Keys, c.SigningAlg = ring(jose.EdDSA), jose.EdDSA },
		"no end of refreshing":  func(c *server.Config) { c.RefreshTTL, c.RefreshIdle, c.Grace, c.KeyRotation = -1, -1, -1, -1 },
		"no grants":             func(c *server.Config) { c.GrantTypes = []server.GrantType{} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := valid()
			change(&c)
			if _, err := server.New(c); err != nil {
				t.Errorf("New error = %v", err)
			}
		})
	}
}

func TestEndpointsNeedADecision(t *testing.T) {
	t.Parallel()
	s, err := server.New(valid())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Endpoints(server.Mounting{}); err == nil || !strings.Contains(err.Error(), "SignIn") {
		t.Errorf("Endpoints error = %v, want one that names Decide and SignIn", err)
	}
	c := valid()
	c.GrantTypes = []server.GrantType{server.ClientCredentials()}
	if s, err = server.New(c); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Endpoints(server.Mounting{}); err != nil {
		t.Errorf("a server without users needs no decision: %v", err)
	}
}

func TestReturnTo(t *testing.T) {
	t.Parallel()
	c := valid()
	c.Prefix = "/oauth"
	s, err := server.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for target, ok := range map[string]bool{
		"/oauth/authorize?handle=sabc":                      true,
		"/oauth/authorize":                                  false,
		"/oauth/authorize?client_id=web":                    false,
		"/oauth/token?handle=sabc":                          false,
		"/oauth/authorize/../evil?handle=s":                 false,
		"https://evil.example.com/oauth/authorize?handle=s": false,
		"//evil.example.com/oauth/authorize?handle=s":       false,
		`/\evil.example.com/oauth/authorize?handle=s`:       false,
		"http://127.0.0.1:8080/oauth/authorize?handle=s":    false,
		"javascript:alert(1)//oauth/authorize?handle=s":     false,
		"/oauth/authorize?handle=s#x":                       false,
		"":                                                  false,
		"%2Foauth/authorize?handle=s":                       false,
		"///oauth/authorize?handle=s":                       false,
	} {
		want := "/home"
		if ok {
			want = target
		}
		if got := s.ReturnTo(target, "/home"); got != want {
			t.Errorf("ReturnTo(%q) = %q, want %q", target, got, want)
		}
	}
}

func TestServes(t *testing.T) {
	t.Parallel()
	c := valid()
	c.Issuer, c.Secret, c.Prefix, c.BasePath = "https://h/auth/t", mandate.NewRandomSecret(), "/oauth", "/auth"
	s, err := server.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		"/t/oauth/token": true, "/t/oauth/authorize": true, "/.well-known/oauth-authorization-server/auth/t": true, "/t/oauth/jwks": true,
		"/auth/t/oauth/token": false, "/token": false, "/": false, "/t/oauth/token/": false,
	} {
		if got := s.Serves(path); got != want {
			t.Errorf("Serves(%q) = %v, want %v", path, got, want)
		}
	}
}
