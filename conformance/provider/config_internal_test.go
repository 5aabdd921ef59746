package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBadConfig(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit func(c map[string]any)
		text string // instead of an edited basis
		want string // what the line ends with
	}{
		"no JSON":              {text: "{", want: "the JSON ends early"},
		"two objects":          {text: "{} {}", want: "something follows the JSON object"},
		"a member twice":       {text: `{"issuer":"http://127.0.0.1:9","issuer":"http://127.0.0.1:8"}`, want: "issuer is there twice"},
		"a member in capitals": {text: `{"Issuer":"http://127.0.0.1:9"}`, want: "Issuer is unknown"},
		"an unknown member":    {edit: func(c map[string]any) { c["isuer"] = 1 }, want: "isuer is unknown"},
		"an unknown member inside": {
			edit: func(c map[string]any) { c["features"] = map[string]any{"pkce": true} }, want: "features.pkce is unknown",
		},
		"an unknown member of a client": {
			edit: func(c map[string]any) { client0(c)["redirect_uri"] = "https://x" }, want: "clients[0].redirect_uri is unknown",
		},
		"a planned member": {edit: func(c map[string]any) { c["acr_values"] = nil }, want: "acr_values does not exist yet"},
		"an unknown member of the registration": {
			edit: func(c map[string]any) { c["registration"] = map[string]any{"open": true} }, want: "registration.open is unknown",
		},
		"a token of a registration that is off": {
			edit: func(c map[string]any) { c["registration"] = map[string]any{"initial_access_token": "x"} },
			want: "registration.initial_access_token is set and registration.enabled is false",
		},
		"an empty token of the registration": {
			edit: func(c map[string]any) {
				c["registration"] = map[string]any{"enabled": true, "initial_access_token": ""}
			},
			want: "registration.initial_access_token is empty: leave it out, so that everybody may register",
		},
		"management of a registration that is off": {
			edit: func(c map[string]any) { c["registration"] = map[string]any{"management": true} },
			want: "registration.management is true and registration.enabled is false",
		},
		"trust in a registration that is off": {
			edit: func(c map[string]any) { c["registration"] = map[string]any{"enabled": false, "trusted": true} },
			want: "registration.trusted is true and registration.enabled is false",
		},
		"a planned feature, even off": {
			edit: func(c map[string]any) { c["features"] = map[string]any{"ciba": false} }, want: "features.ciba does not exist yet",
		},
		"a planned member of a client": {
			edit: func(c map[string]any) { client0(c)["subject_type"] = "public" }, want: "clients[0].subject_type does not exist yet",
		},
		"a planned algorithm": {
			edit: func(c map[string]any) { c["signing_algs"] = map[string]any{"id_token": []any{"ES256"}} }, want: "signing_algs.id_token does not exist yet",
		},
		"an unknown algorithm": {
			edit: func(c map[string]any) { c["signing_algs"] = map[string]any{"introspection": []any{"HS256"}} },
			want: `signing_algs.introspection has "HS256", which does not exist yet: there are RS256, PS256, ES256, EdDSA`,
		},
		"no algorithm": {
			edit: func(c map[string]any) { c["signing_algs"] = map[string]any{"introspection": []any{}} },
			want: "signing_algs.introspection is empty: leave it out for RS256, PS256, ES256, EdDSA",
		},
		"an algorithm without a key": {
			edit: func(c map[string]any) {
				c["keys"] = []any{map[string]any{"kid": "e", "alg": "ES256"}}
				c["signing_algs"] = map[string]any{"introspection": []any{"ES256", "RS256"}}
			},
			want: "signing_algs.introspection has RS256 and keys has no key for it: add one, or leave keys out",
		},
		"a client's algorithm that is not offered": {
			edit: func(c map[string]any) {
				c["signing_algs"] = map[string]any{"introspection": []any{"ES256"}}
				client0(c)["introspection_signed_response_alg"] = "EdDSA"
			},
			want: `server: client "web" has introspection_signed_response_alg "EdDSA", which is not among SignedIntrospection.Algs: [ES256]`,
		},
		"a planned lifetime": {
			edit: func(c map[string]any) { c["lifetimes"] = map[string]any{"id_token": 5} }, want: "lifetimes.id_token does not exist yet",
		},
		"a planned member of a resource": {
			edit: func(c map[string]any) { c["resources"] = []any{map[string]any{"schemes": nil}} }, want: "resources[0].schemes does not exist yet",
		},
		"a string for a list": {edit: func(c map[string]any) { c["scopes"] = "read" }, want: "scopes is a string, which it cannot be"},
		"no issuer":           {edit: func(c map[string]any) { delete(c, "issuer") }, want: "issuer is missing"},
		"the profile left out": {
			edit: func(c map[string]any) { delete(c, "profile") }, want: "profile oidc does not exist yet: there is oauth2",
		},
		"a planned profile":  {edit: func(c map[string]any) { c["profile"] = "fapi2-sp" }, want: "profile fapi2-sp does not exist yet: there is oauth2"},
		"an unknown profile": {edit: func(c map[string]any) { c["profile"] = "OAuth2" }, want: `profile "OAuth2" is unknown: there is oauth2`},
		"an http issuer that is not on loopback": {
			edit: func(c map[string]any) { c["issuer"] = "http://id.example.com" },
			want: `server: Issuer "http://id.example.com" is http and not on loopback: use https`,
		},
		"an https issuer without tls": {
			edit: func(c map[string]any) { c["issuer"] = "https://localhost:9999" },
			want: `issuer "https://localhost:9999" is https and tls is missing: set tls.self_signed, or tls.cert and tls.key`,
		},
		"tls for an http issuer": {
			edit: func(c map[string]any) { c["tls"] = map[string]any{"self_signed": true} },
			want: `issuer "http://127.0.0.1:9999" is http and tls is set: leave tls out, or make the issuer https`,
		},
		"a certificate without key": {
			edit: func(c map[string]any) {
				c["issuer"], c["tls"] = "https://localhost:9999", map[string]any{"cert": "c.pem"}
			},
			want: "tls.cert and tls.key go together: one is missing",
		},
		"two sources of certificates": {
			edit: func(c map[string]any) {
				c["issuer"], c["tls"] = "https://localhost:9999", map[string]any{"self_signed": true, "cert": "c.pem", "key": "k.pem"}
			},
			want: "tls.self_signed is true and tls.cert or tls.key is set: it is one or the other",
		},
		"a certificate that is not there": {
			edit: func(c map[string]any) {
				c["issuer"], c["tls"] = "https://localhost:9999", map[string]any{"cert": "none.pem", "key": "none.pem"}
			},
			want: "none.pem: no such file or directory",
		},
		"an unknown grant type": {
			edit: func(c map[string]any) { c["grant_types"] = []any{"urn:example:nothing"} },
			want: `grant_types has "urn:example:nothing", which does not exist yet: there are authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:token-exchange, urn:ietf:params:oauth:grant-type:jwt-bearer, password, implicit`,
		},
		"token exchange, and no grant of it": {
			edit: func(c map[string]any) {
				c["grant_types"] = []any{"authorization_code", "refresh_token", "client_credentials"}
				c["features"] = map[string]any{"token_exchange": true}
			},
			want: "features.token_exchange is true and grant_types says otherwise: it is there or not",
		},
		"exchange_from without the grant": {
			edit: func(c map[string]any) { client0(c)["exchange_from"] = []any{"api"} },
			want: `clients[0] "web": exchange_from is set and grant_types has no urn:ietf:params:oauth:grant-type:token-exchange`,
		},
		"exchange_from a client that is not there": {
			edit: func(c map[string]any) {
				client0(c)["grant_types"] = []any{"urn:ietf:params:oauth:grant-type:token-exchange"}
				client0(c)["exchange_from"] = []any{"nobody"}
			},
			want: `clients[0] "web": exchange_from has "nobody", which is none of clients`,
		},
		"a response type that does not exist": {
			edit: func(c map[string]any) { c["response_types"] = []any{"id_token"} },
			want: `response_types has "id_token", which does not exist yet: there are code, token, code token, none`,
		},
		"tokens in the address bar, and no implicit grant": {
			edit: func(c map[string]any) { c["response_types"] = []any{"code", "token"} },
			want: "response_types with token and grant_types with implicit go together: one is missing",
		},
		"no code, and a grant for codes": {
			edit: func(c map[string]any) { c["response_types"] = []any{"none"} },
			want: "response_types with code and grant_types with authorization_code go together: one is missing",
		},
		"a client's response type that the server does not answer": {
			edit: func(c map[string]any) { client0(c)["response_types"] = []any{"token"} },
			want: `clients[0] "web": response_types has "token", which this server does not answer: there are code`,
		},
		"an authentication method that does not exist": {
			edit: func(c map[string]any) { c["client_auth_methods"] = []any{"tls_client_auth"} },
			want: `client_auth_methods has "tls_client_auth", which does not exist yet: there are client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, none`,
		},
		"an algorithm of assertions that does not exist": {
			edit: func(c map[string]any) { c["signing_algs"] = map[string]any{"token_auth": []any{"none"}} },
			want: `signing_algs.token_auth has "none", which does not exist yet: there are ES256, EdDSA, PS256, RS256, ES384, ES512, PS384, PS512, RS384, RS512, HS256, HS384, HS512`,
		},
		"a method without an algorithm": {
			edit: func(c map[string]any) { c["signing_algs"] = map[string]any{"token_auth": []any{"ES256"}} },
			want: "client_auth_methods has client_secret_jwt and signing_algs.token_auth no algorithm for it",
		},
		"an algorithm without a method": {
			edit: func(c map[string]any) {
				c["client_auth_methods"] = []any{"client_secret_basic", "none", "client_secret_post", "private_key_jwt"}
				c["signing_algs"] = map[string]any{"token_auth": []any{"ES256", "HS256"}}
			},
			want: "signing_algs.token_auth has an algorithm for client_secret_jwt, which is not among client_auth_methods",
		},
		"a certificate that nobody asks for": {
			edit: func(c map[string]any) { c["outbound"] = map[string]any{"insecure_tls": true, "ca_file": "ca.pem"} },
			want: "outbound.insecure_tls is true and outbound.ca_file is set: where any certificate will do, nobody asks who signed it",
		},
		"authorities that are not there": {
			edit: func(c map[string]any) { c["outbound"] = map[string]any{"ca_file": "ca.pem"} },
			want: "ca.pem: no such file or directory",
		},
		"a long wait for others": {
			edit: func(c map[string]any) { c["outbound"] = map[string]any{"timeout_s": 61} },
			want: "outbound.timeout_s 61 is not between 1 and 60",
		},
		"a document without a URL": {
			edit: func(c map[string]any) {
				c["outbound"] = map[string]any{"documents": map[string]any{"jwks": map[string]any{}}}
			},
			want: `outbound: fetch: Documents has the key "jwks", want an absolute URL`,
		},
		"a private key and a secret": {
			edit: func(c map[string]any) { client0(c)["token_endpoint_auth_method"] = "private_key_jwt" },
			want: `clients[0] "web": client_secret is set, and token_endpoint_auth_method "private_key_jwt" has none`,
		},
		"a private key that nobody knows the public half of": {
			edit: func(c map[string]any) {
				client0(c)["token_endpoint_auth_method"] = "private_key_jwt"
				delete(client0(c), "client_secret")
			},
			want: `server: client "web" authenticates by private_key_jwt and has no keys: give it jwks or jwks_uri`,
		},
		"a secret that is too short to sign with": {
			edit: func(c map[string]any) {
				client0(c)["token_endpoint_auth_method"], client0(c)["client_secret"] = "client_secret_jwt", "short"
			},
			want: `has a secret of 5 bytes, want at least 32 for HS256 (RFC 7518, section 3.2): it needs a new secret`,
		},
		"a client with a method that is not allowed": {
			edit: func(c map[string]any) { c["client_auth_methods"] = []any{"client_secret_post", "none"} },
			want: `clients[0] "web": token_endpoint_auth_method "client_secret_basic" is not among client_auth_methods`,
		},
		"a client with a grant that is not served": {
			edit: func(c map[string]any) { c["grant_types"] = []any{"authorization_code", "refresh_token"} },
			want: `clients[0] "web": grant_types has "client_credentials", which this server does not serve`,
		},
		"OAuth 1.0a on and nobody for it": {
			edit: func(c map[string]any) { c["features"] = map[string]any{"oauth1": true} }, want: "features.oauth1 is true and oauth1 is missing: nobody could use it",
		},
		"OAuth 1.0a off and somebody for it": {
			edit: func(c map[string]any) { c["oauth1"] = map[string]any{} }, want: "oauth1 is set and features.oauth1 is not true",
		},
		"a signature method that does not exist": {
			edit: func(c map[string]any) {
				c["features"], c["oauth1"] = map[string]any{"oauth1": true}, map[string]any{"signature_methods": []any{"HMAC-MD5"}}
			},
			want: `oauth1.signature_methods has "HMAC-MD5", which does not exist yet: there are HMAC-SHA1, HMAC-SHA256, HMAC-SHA512, RSA-SHA1, RSA-SHA256, RSA-SHA512, PLAINTEXT`,
		},
		"a consumer without a secret and a key": {
			edit: func(c map[string]any) {
				c["features"], c["oauth1"] = map[string]any{"oauth1": true}, map[string]any{"consumers": []any{map[string]any{"key": "nobody"}}}
			},
			want: `server: client "nobody" authenticates by private_key_jwt and has no keys: give it jwks or jwks_uri`,
		},
		"devices on and not served": {
			edit: func(c map[string]any) {
				c["features"], c["grant_types"] = map[string]any{"device": true}, []any{"authorization_code", "refresh_token", "client_credentials"}
			},
			want: "features.device is true and grant_types has no urn:ietf:params:oauth:grant-type:device_code",
		},
		"devices served and not on": {
			edit: func(c map[string]any) { c["grant_types"] = []any{"urn:ietf:params:oauth:grant-type:device_code"} },
			want: "grant_types has urn:ietf:params:oauth:grant-type:device_code and features.device is not true",
		},
		"a lifetime of device codes, and none of them": {
			edit: func(c map[string]any) { c["lifetimes"] = map[string]any{"device_code": 60} },
			want: "lifetimes.device_code is set and features.device is not true",
		},
		"a long lifetime of device codes": {
			edit: func(c map[string]any) {
				c["features"], c["lifetimes"] = map[string]any{"device": true}, map[string]any{"device_code": 601}
			},
			want: "lifetimes.device_code 601 is not between 1 and 600 seconds",
		},
		"refresh tokens off and served": {
			edit: func(c map[string]any) {
				c["features"], c["grant_types"] = map[string]any{"refresh_tokens": false}, []any{"refresh_token"}
			},
			want: "features.refresh_tokens is false and grant_types has refresh_token",
		},
		"require_par without par": {
			edit: func(c map[string]any) { c["features"] = map[string]any{"require_par": true} },
			want: "features.require_par is true and features.par is not",
		},
		"a life of pushed requests without par": {
			edit: func(c map[string]any) { c["features"], c["lifetimes"] = map[string]any{}, map[string]any{"par": 60} },
			want: "lifetimes.par is set and features.par is not true",
		},
		"require_jar without jar": {
			edit: func(c map[string]any) { c["features"] = map[string]any{"require_jar": true} },
			want: "features.require_jar is true and features.jar is not",
		},
		"request_uri without jar": {
			edit: func(c map[string]any) { c["features"] = map[string]any{"request_uri": true} },
			want: "features.request_uri is true and features.jar is not",
		},
		"jarm off and jwt among the modes": {
			edit: func(c map[string]any) {
				c["features"], c["response_modes"] = map[string]any{"jarm": false}, []any{"query", "jwt"}
			},
			want: "features.jarm and jwt among response_modes go together: one is missing",
		},
		"a response mode that does not exist": {
			edit: func(c map[string]any) {
				c["response_modes"] = []any{"query", "web_message"}
				c["features"] = map[string]any{}
			},
			want: `response_modes has "web_message", which does not exist yet: there are query, fragment, form_post, jwt`,
		},
		"limits": {
			edit: func(c map[string]any) { c["limits"] = map[string]any{"enabled": "yes"} },
			want: "limits.enabled is a string, which it cannot be",
		},
		"an unknown rotation": {
			edit: func(c map[string]any) { c["refresh_rotation"] = "sometimes" }, want: `refresh_rotation "sometimes" is none of always, public, never`,
		},
		"a long grace":        {edit: func(c map[string]any) { c["refresh_grace_s"] = 301 }, want: "refresh_grace_s 301 is not between 0 and 300"},
		"a cheap password":    {edit: func(c map[string]any) { c["password_cost"] = 3 }, want: "password_cost 3 is not between 4 and 18"},
		"a life of no length": {edit: func(c map[string]any) { c["lifetimes"] = map[string]any{"code": 0} }, want: "lifetimes.code 0 is not between 1 and 3153600000 seconds"},
		"a code that lives long (RFC 6749, 4.1.2)": {
			edit: func(c map[string]any) { c["lifetimes"] = map[string]any{"code": 601} },
			want: "server: CodeTTL 10m1s is over 10 minutes (RFC 6749, section 4.1.2)",
		},
		"a key without kid": {edit: func(c map[string]any) { c["keys"] = []any{map[string]any{"alg": "ES256"}} }, want: `keys[0]: kid "" is empty or there twice`},
		"a key that encrypts": {
			edit: func(c map[string]any) { c["keys"] = []any{map[string]any{"kid": "e", "alg": "RSA-OAEP"}} },
			want: `keys[0] "e": alg RSA-OAEP does not exist yet`,
		},
		"a key file that is not there": {
			edit: func(c map[string]any) { c["keys"] = []any{map[string]any{"kid": "e", "alg": "ES256", "file": "e.pem"}} },
			want: "e.pem: no such file or directory",
		},
		"an account without sub": {
			edit: func(c map[string]any) { c["accounts"] = []any{map[string]any{"username": "a", "password": "b"}} },
			want: "accounts[0] lacks username, password or sub",
		},
		"two accounts of one sub": {
			edit: func(c map[string]any) {
				c["accounts"].([]any)[1].(map[string]any)["sub"] = "user-foo"
			},
			want: `accounts[1]: sub "user-foo" is there twice`,
		},
		"a client with an unknown scope": {
			edit: func(c map[string]any) { client0(c)["scope"] = "read admin" },
			want: `server: client "web" has the scope "admin", which is not among Scopes`,
		},
		"a confidential client without secret": {
			edit: func(c map[string]any) { delete(client0(c), "client_secret") },
			want: `server: client "web" is confidential and has no secret: give it server.HashSecret(...), or AuthMethod "none" if it can keep none`,
		},
		"a redirect URI with a fragment (RFC 6749, 3.1.2)": {
			edit: func(c map[string]any) { client0(c)["redirect_uris"] = []any{"https://app.example.com/#x"} },
			want: `server: client "web": redirect URI "https://app.example.com/#x" has a fragment`,
		},
		"a client that introspects some": {
			edit: func(c map[string]any) { client0(c)["introspect"] = "some" }, want: `clients[0] "web": introspect "some" is neither own nor all`,
		},
		"a resource at an endpoint": {
			edit: func(c map[string]any) {
				c["resources"] = []any{map[string]any{"path": "/token", "resource": "https://api.example.com"}}
				c["clients"] = nil
			},
			want: `resources[0]: path "/token" is taken`,
		},
		"a resource with a pattern": {
			edit: func(c map[string]any) {
				c["resources"].([]any)[0].(map[string]any)["path"] = "/a/:id"
			},
			want: `resources[0]: path "/a/:id" is not a plain absolute path`,
		},
		"a resource with an unknown method": {
			edit: func(c map[string]any) {
				c["resources"].([]any)[0].(map[string]any)["methods"] = []any{"get"}
			},
			want: `resources[0]: methods has "get", which does not exist yet: there are GET, POST, PUT, PATCH, DELETE`,
		},
		"an MCP server at a resource's path": {
			edit: func(c map[string]any) {
				c["mcp"] = map[string]any{"path": "/resource", "resource": "https://mcp.example.com"}
			},
			want: `mcp: path "/resource" is taken`,
		},
		"an MCP server without a name": {
			edit: func(c map[string]any) { c["mcp"] = map[string]any{"path": "/mcp"} },
			want: `mcp: resource is missing: it names the API in tokens`,
		},
		"an MCP method with an unknown scope": {
			edit: func(c map[string]any) {
				c["mcp"] = map[string]any{"path": "/mcp", "resource": "https://mcp.example.com", "step_up": map[string]any{"tools/call": "admin"}}
			},
			want: `mcp: step_up.tools/call: scope "admin" is not among scopes`,
		},
		"an MCP server with an unknown member": {
			edit: func(c map[string]any) { c["mcp"] = map[string]any{"method": "POST"} }, want: "mcp.method is unknown",
		},
		"JWTs for nobody (RFC 9068, 3)": {
			edit: func(c map[string]any) { delete(c, "resources") },
			want: `clients[1] "jwt": token_format is jwt and resources is empty: nobody could be their audience`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var content any = tc.text
			if tc.edit != nil {
				c := basis()
				tc.edit(c)
				content = c
			}
			wantRefusal(t, 1, tc.want, "-config", file(t, content))
		})
	}
}

func TestBadFlags(t *testing.T) {
	t.Parallel()
	good := file(t, basis())
	for name, tc := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no config":                   {nil, 2, "-config is missing: name a file, for example oauth2.json"},
		"an unknown flag":             {[]string{"-nope"}, 2, "flag provided but not defined: -nope"},
		"an argument":                 {[]string{"-config", good, "extra"}, 2, `argument "extra" is not understood: everything is a flag`},
		"an unknown framework":        {[]string{"-config", good, "-framework", "chi"}, 2, `-framework "chi" does not exist: there are echo, fiber, gin, nethttp`},
		"a store that does not exist": {[]string{"-config", good, "-store", "oracle"}, 2, `-store "oracle" does not exist: there are memory, sqlite, postgres, mysql, redis`},
		"a store without a DSN":       {[]string{"-config", good, "-store", "redis"}, 2, "-dsn is missing: it says where the redis is"},
		"a DSN with a password":       {[]string{"-config", good, "-store", "redis", "-dsn", "redis://me:pass%zz@x"}, 1, "-store redis: it is not a URL"},
		"a folder for SQLite":         {[]string{"-config", good, "-store", "sqlite", "-dsn", "/nowhere/at/all"}, 1, "(14)"},
		"a DSN for memory":            {[]string{"-config", good, "-dsn", "x"}, 2, "-dsn is given, and -store memory has none"},
		"an mTLS listener":            {[]string{"-config", good, "-mtls-listen", "127.0.0.1:9444"}, 2, "-mtls-listen does not exist yet"},
		"control for everybody":       {[]string{"-config", good, "-control", "0.0.0.0:9445"}, 2, `-control "0.0.0.0:9445" is not a loopback address with a port`},
		"control without a port":      {[]string{"-config", good, "-control", "127.0.0.1"}, 2, `-control "127.0.0.1" is not a loopback address with a port`},
		"another log":                 {[]string{"-config", good, "-log", "xml"}, 2, `-log "xml" is neither text nor json`},
		"a file that is not there":    {[]string{"-config", filepath.Join(t.TempDir(), "none.json")}, 1, "no such file or directory"},
		"an address that is not ours": {[]string{"-config", good, "-listen", "192.0.2.1:1"}, 1, "bind: cannot assign requested address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRefusal(t, tc.code, tc.want, tc.args...)
		})
	}
}

// wantRefusal runs the provider, which must end with code and one line that ends with want.
func wantRefusal(t *testing.T, code int, want string, args ...string) {
	t.Helper()
	var out, errs bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // one that starts ends at once
	got := run(ctx, args, &out, &errs)
	line := errs.String()
	if got != code || out.Len() > 0 {
		t.Errorf("exit code = %d, want %d; standard output %q, want nothing", got, code, &out)
	}
	if !strings.HasPrefix(line, "provider: ") || !strings.HasSuffix(line, want+"\n") || strings.Count(line, "\n") != 1 {
		t.Errorf("standard error = %q, want one line that ends with %q", line, want)
	}
}

// The shipped configurations and every framework go together.
func TestShippedConfig(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no configuration is shipped: %v", err)
	}
	for _, name := range names {
		for _, framework := range frameworkNames() {
			c, err := readConfig(name)
			if err == nil {
				_, err = newProvider(t.Context(), c, flags{framework: framework}, os.Stderr)
			}
			if err != nil {
				t.Errorf("%s with %s: %v", name, framework, err)
			}
		}
	}
}

// Every member that exists is in oauth2.json or in the README, so that the documentation is whole.
func TestMembersAreDocumented(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("oauth2.json")
	if err != nil {
		t.Fatal(err)
	}
	var walk func(s shape)
	walk = func(s shape) {
		for name, member := range s.members {
			quoted, err := json.Marshal(name)
			if err != nil {
				t.Fatal(err)
			}
			if !member.later && !bytes.Contains(readme, []byte("`"+name+"`")) && !bytes.Contains(example, quoted) {
				t.Errorf("neither README.md nor oauth2.json has %s", name)
			}
			walk(member)
		}
		if s.each != nil {
			walk(*s.each)
		}
	}
	walk(configShape())
}
