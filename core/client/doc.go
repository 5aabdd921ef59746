// Package client is the other side of OAuth: it signs users in with other people's servers ("Sign in with ...") and calls their APIs.
//
//	reg, err := client.NewRegistry(client.Config{
//		BaseURL: "https://app.example.com", Secret: secret,
//		Apps: []client.App{client.OAuth2{
//			Name: "example", Credentials: client.FromEnv(os.LookupEnv, "EXAMPLE"),
//			AuthURL: "https://id.example.com/authorize", TokenURL: "https://id.example.com/token",
//		}},
//	})
//	err = mandategin.MountLogin(r, "/auth", reg, func(c *gin.Context, in *client.SignIn) { ... })
//
// The steps of a login read a [mandate.Request] and answer with a [mandate.Response], so that they are the same in every framework. Of what a
// login needs between its two steps nothing is kept in the process or a database: it travels in a sealed cookie of the one browser that
// began it. PKCE, state, nonce and the check of the issuer are on, unless an app leaves one out by a name that begins with Insecure.
package client
