package providers_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/client/providers"
	"github.com/go-mandate/mandate/core/jose"
)

// keys are those of all issuers: some of each algorithm, and one that nobody publishes.
var keys = sync.OnceValue(func() map[string]*jose.Key {
	made := map[string]*jose.Key{}
	for name, alg := range map[string]jose.Alg{"RS256": jose.RS256, "ES256": jose.ES256, "stranger": jose.RS256} {
		key, err := jose.Generate(alg)
		if err != nil {
			panic(err)
		}
		data, err := key.MarshalPEM()
		if err != nil {
			panic(err)
		}
		kid := name
		if name == "stranger" { // under a name that is known
			kid = "RS256"
		}
		if made[name], err = jose.ParsePEM(alg, data, kid); err != nil {
			panic(err)
		}
	}
	return made
})

// forge is how an ID token differs from that of the scenario.
type forge struct {
	alg    string // in place of its own: "stranger", "none", "HS256"
	claims func(claims map[string]any)
	sub    string // of the user info
}

// signed fills answers as scenarios have them. An ID token stands there as {"id_token":{"RS256":{claims}}}; the secret is the key of HS256. Keys stand
// there as {"keys":["RS256"]}, or with more members as {"keys":[{"RS256":{"issuer":"..."}}]}.
func signed(secret string, f forge) func(*world, string) string {
	return func(_ *world, answer string) string {
		head, body, _ := strings.Cut(answer, "\n\n")
		dec := json.NewDecoder(strings.NewReader(body))
		dec.UseNumber()
		var members map[string]any
		if dec.Decode(&members) != nil {
			return answer
		}
		token, _ := members["id_token"].(map[string]any)
		list, _ := members["keys"].([]any)
		switch {
		case token != nil:
			members["id_token"] = f.sign(token, secret)
		case list != nil:
			for i, entry := range list {
				list[i] = published(entry)
			}
		case f.sub != "" && members["sub"] != nil:
			members["sub"] = f.sub
		default:
			return answer
		}
		filled, err := json.Marshal(members)
		if err != nil {
			panic(err)
		}
		return head + "\n\n" + string(filled)
	}
}

func (f forge) sign(token map[string]any, secret string) string {
	for alg, v := range token {
		claims := maps.Clone(v.(map[string]any))
		if f.claims != nil {
			f.claims(claims)
		}
		if f.alg != "" {
			alg = f.alg
		}
		var text string
		var err error
		switch key := keys()[alg]; {
		case alg == "none":
			payload, _ := json.Marshal(claims)
			text = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload) + "."
		case key != nil:
			text, err = jose.Sign(key, "", claims)
		default:
			text, err = jose.SignHMAC(jose.Alg(alg), []byte(secret), "JWT", claims)
		}
		if err != nil {
			panic(err)
		}
		return text
	}
	panic("no ID token")
}

// published returns the JWK that an entry of a scenario stands for.
func published(entry any) any {
	name, _ := entry.(string)
	more, _ := entry.(map[string]any)
	for alg := range more {
		name = alg
	}
	data, err := json.Marshal(keys()[name].Public())
	if err != nil {
		panic(err)
	}
	var jwk map[string]any
	if err := json.Unmarshal(data, &jwk); err != nil {
		panic(err)
	}
	if extra, ok := more[name].(map[string]any); ok {
		maps.Copy(jwk, extra)
	}
	return jwk
}

// openids are the presets of OpenID Connect.
func openids() []preset {
	apple := client.Credentials{ID: "com.example.web", SecretFunc: func(time.Time) (string, error) { return "a-secret-of-five-minutes", nil }}
	line := client.Credentials{ID: "1657020000", Secret: "d41d8cd98f00b204e9800998ecf8427e"}
	selfManaged := providers.GitLab("https://git.example.com/gitlab/", creds)
	selfManaged.Name = "gitlab-selfmanaged"
	custom := providers.Okta("acme.okta.com/oauth2/default", creds)
	custom.Name = "okta-custom"
	always := providers.Slack(creds)
	always.Name, always.UserInfo = "slack-always", client.UserInfoAlways
	mute := []string{"expired", "limited"} // no user info is asked for
	list := []preset{
		{app: providers.Google(creds), without: mute},
		{app: providers.Apple(apple), without: mute},
		{app: providers.Microsoft("common", creds), without: mute},
		{app: providers.LinkedIn(creds)},
		{app: providers.GitLab("", creds)},
		{app: selfManaged, without: mute},
		{app: providers.Slack(creds), without: mute},
		{app: always},
		{app: providers.Twitch(creds), without: mute},
		{app: providers.Yahoo(creds)},
		{app: providers.Line(line), without: mute},
		{app: providers.Auth0("acme.eu.auth0.com", creds), without: mute},
		{app: providers.Okta("acme.okta.com", creds)},
		{app: custom},
		{app: providers.Keycloak("https://sso.example.com", "acme", creds)},
		{app: providers.Cognito("eu-west-1_AbCdEf123", creds)},
	}
	for i := range list {
		list[i].fill = signed(line.Secret, forge{})
	}
	return list
}

// An ID token proves a login, or there is none: whatever is wrong with it, at every provider.
func TestIDTokens(t *testing.T) {
	t.Parallel()
	set := func(name string, value any) func(map[string]any) {
		return func(claims map[string]any) { claims[name] = value }
	}
	remove := func(name string) func(map[string]any) {
		return func(claims map[string]any) { delete(claims, name) }
	}
	for name, tc := range map[string]struct {
		forge forge
		but   []string // apps that this is no fault with
	}{
		"of another issuer":              {forge: forge{claims: set("iss", "https://evil.example.com")}},
		"of an issuer that begins alike": {forge: forge{claims: func(c map[string]any) { c["iss"] = c["iss"].(string) + ".evil.example.com" }}},
		"without an issuer":              {forge: forge{claims: remove("iss")}},
		"for another client":             {forge: forge{claims: set("aud", "them")}},
		"for another client, too":        {forge: forge{claims: func(c map[string]any) { c["aud"] = []any{c["aud"], "them"}; delete(c, "azp") }}},
		"that another client asked for":  {forge: forge{claims: set("azp", "them")}},
		"that is over":                   {forge: forge{claims: set("exp", now.Add(-time.Hour).Unix())}},
		"without an end":                 {forge: forge{claims: remove("exp")}},
		"of another login":               {forge: forge{claims: set("nonce", "bm9uY2Ugb2YgYW5vdGhlcg")}},
		"without a nonce":                {forge: forge{claims: remove("nonce")}, but: []string{"linkedin"}},
		"about nobody":                   {forge: forge{claims: remove("sub")}},
		"beside another access token":    {forge: forge{claims: set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA")}},
		"signed by a stranger":           {forge: forge{alg: "stranger"}},
		"signed by nobody":               {forge: forge{alg: "none"}},
		"signed with the wrong kind":     {forge: forge{alg: "HS256"}, but: []string{"line"}},
		"beside user info about others":  {forge: forge{sub: "somebody-else"}},
	} {
		for _, p := range openids() {
			s := readScenario(t, filepath.Join("testdata", p.app.AppName(), "login.txt"))
			asked := slices.ContainsFunc(s.all("answer"), func(a string) bool {
				return strings.Contains(a, "\n\n{\"sub\"") || strings.Contains(a, `"ok":true,"sub"`)
			})
			if slices.Contains(tc.but, p.app.AppName()) || tc.forge.sub != "" && !asked {
				continue
			}
			t.Run(p.app.AppName()+" "+name, func(t *testing.T) {
				t.Parallel()
				_, in, err := run(t, newWorld(t, s.all("answer"), signed("d41d8cd98f00b204e9800998ecf8427e", tc.forge)), p.app, s.one("callback"))
				if e, ok := errors.AsType[*client.Error](err); !ok || in != nil || e.Kind != client.Mismatch || e.HTTPStatus() != 502 {
					t.Errorf("sign-in %+v, error = %v, want a mismatch", in, err)
				}
			})
		}
	}
}

// What a preset asks for is in the struct, so that more can be appended, and belongs to its caller.
func TestScopesCanBeAppendedTo(t *testing.T) {
	t.Parallel()
	for i, p := range openids() {
		app, again := p.app.(client.OpenID), openids()[i].app.(client.OpenID)
		if !slices.Contains(app.Scopes, "openid") || len(app.Scopes) < 2 {
			t.Errorf("%s asks for %q", app.Name, app.Scopes)
		}
		if _ = append(app.Scopes[:1], "more"); again.Scopes[1] == "more" {
			t.Errorf("%s: two apps share their scopes", app.Name)
		}
	}
}

// A parameter that makes no issuer is a fault when the registry is made, and one that people copy from their browser is understood.
func TestParametersOfPresets(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		app    client.OpenID
		issuer string // "": a fault
	}{
		"Auth0 with a scheme":        {providers.Auth0("https://acme.eu.auth0.com/", creds), "https://acme.eu.auth0.com/"},
		"Auth0 of nobody":            {providers.Auth0("", creds), ""},
		"Auth0 with a query":         {providers.Auth0("acme.eu.auth0.com?x", creds), ""},
		"Okta with a scheme":         {providers.Okta("https://acme.okta.com/", creds), "https://acme.okta.com"},
		"Okta on http":               {providers.Okta("http://acme.okta.com", creds), ""},
		"Keycloak with a slash":      {providers.Keycloak("https://sso.example.com/auth/", "acme", creds), "https://sso.example.com/auth/realms/acme"},
		"Keycloak with an odd realm": {providers.Keycloak("https://sso.example.com", "a/../b c", creds), "https://sso.example.com/realms/a%2F..%2Fb%20c"},
		"Keycloak without a scheme":  {providers.Keycloak("sso.example.com", "acme", creds), ""},
		"Keycloak on http":           {providers.Keycloak("http://sso.example.com", "acme", creds), ""},
		"GitLab on http":             {providers.GitLab("http://git.example.com", creds), ""},
		"Cognito":                    {providers.Cognito("us-gov-west-1_x", creds), "https://cognito-idp.us-gov-west-1.amazonaws.com/us-gov-west-1_x"},
		"Cognito without a region":   {providers.Cognito("AbCdEf123", creds), ""},
		"Cognito of nobody":          {providers.Cognito("", creds), ""},
		"LINE without a secret":      {providers.Line(client.Credentials{ID: "1"}), ""},
	} {
		_, err := client.NewRegistry(client.Config{BaseURL: "http://127.0.0.1:8080", Apps: []client.App{tc.app}})
		if (err == nil) != (tc.issuer != "") || err == nil && tc.app.Issuer != tc.issuer {
			t.Errorf("%s: issuer %q, error = %v", name, tc.app.Issuer, err)
		}
	}
}
