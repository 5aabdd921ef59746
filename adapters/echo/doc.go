// Package mandateecho ties Mandate to Echo: guards for routes, and the endpoints of an authorization server.
//
//	auth := mandateecho.New(guard)
//	e.GET("/user", showUser, auth.Require("profile", "email"))
//	e.GET("/me", auth.With(me, "profile")) // func me(c echo.Context, tok *mandate.Token) error
//	err := mandateecho.Mount(e, srv, mandateecho.MountConfig{Decide: decide})
//
// Token and user are in the context of c.Request(), so that whatever is handed c.Request().Context() sees them. Refusals are written
// by the adapter and do not pass through Echo's HTTPErrorHandler; Config.ErrorHandler may return an error that does.
//
// Put CORS middleware before guards: it then answers preflights, and scripts can read refusals.
//
// What Echo decides before a handler runs: paths are compared letter by letter, and a path with a trailing slash is another path
// unless middleware.RemoveTrailingSlash runs first.
package mandateecho
