// Package providers has the settings of well-known providers for package client:
//
//	github := providers.GitHub(client.FromEnv(os.LookupEnv, "GITHUB"))
//	github.Scopes = append(github.Scopes, "repo")
//	reg, err := client.NewRegistry(client.Config{BaseURL: "https://app.example.com", Secret: secret, Apps: []client.App{github}})
//
// Each function returns a plain struct of package client, whose fields may be changed before it is handed to the registry: it does nothing that
// an application could not do by itself. The name is that of the function in lower case; give a second app of one provider another. Register
// the callback with the provider as it stands: by default it is the BaseURL with /auth/<name>/callback.
//
// A profile says that an e-mail address is verified where the provider's documentation says that it is, and nowhere else.
package providers
