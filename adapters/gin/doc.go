// Package mandategin ties Mandate to Gin: guards for routes, and the endpoints of an authorization server.
//
//	auth := mandategin.New(guard)
//	r.GET("/user", auth.Require("profile", "email"), showUser)
//	r.GET("/me", auth.With(me, "profile")) // func me(c *gin.Context, tok *mandate.Token)
//	err := mandategin.Mount(r, srv, mandategin.MountConfig{Decide: decide})
//
// Token and user are in the context of c.Request, so that whatever is handed c.Request.Context() sees them.
//
// Put CORS middleware before guards: it then answers preflights, and scripts can read refusals.
//
// What Gin decides before a handler runs: paths are compared letter by letter; a path with a trailing slash too many or too few
// is redirected unless Engine.RedirectTrailingSlash is off; methods that Gin does not know are 404. Set Engine.UseRawPath, so that an
// escaped slash in a path parameter is not taken for the end of it.
package mandategin
