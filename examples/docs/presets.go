package docs

import (
	"os"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/client/providers"
)

// Presets signs users in with well-known issuers, and with any other.
func Presets(secret mandate.Secret) (*client.Registry, error) {
	// doc:start preset-openid
	microsoft := providers.Microsoft("organizations", client.FromEnv(os.LookupEnv, "MICROSOFT")) // MICROSOFT_CLIENT_ID, MICROSOFT_CLIENT_SECRET
	microsoft.Scopes = append(microsoft.Scopes, "User.Read")                                     // what a preset returns is yours to change

	reg, err := client.NewRegistry(client.Config{
		BaseURL: "https://app.example.com", Secret: secret,
		Apps: []client.App{
			microsoft,
			providers.GitLab("https://git.example.com", client.FromEnv(os.LookupEnv, "GITLAB")),
			providers.Keycloak("https://sso.example.com", "staff", client.FromEnv(os.LookupEnv, "KEYCLOAK")),
			client.OpenID{Name: "partner", Issuer: "https://id.example.net", Credentials: client.FromEnv(os.LookupEnv, "PARTNER")},
		},
	})
	// doc:end
	return reg, err
}

// GoogleOffline asks Google for refresh tokens.
func GoogleOffline() client.App {
	// doc:start preset-google
	google := providers.Google(client.FromEnv(os.LookupEnv, "GOOGLE"))
	google.AuthParams = mandate.Params{{Name: "access_type", Value: "offline"}, {Name: "prompt", Value: "consent"}}
	// doc:end
	return google
}

// SignInWithApple makes Apple's client secret of a key.
func SignInWithApple() (client.App, error) {
	// doc:start preset-apple
	key, err := os.ReadFile("AuthKey_KEY1234567.p8")
	if err != nil {
		return nil, err
	}
	credentials, err := providers.AppleCredentials("com.example.web", "TEAM123456", "KEY1234567", key)
	if err != nil {
		return nil, err
	}
	apple := providers.Apple(credentials)
	// doc:end
	return apple, nil
}
