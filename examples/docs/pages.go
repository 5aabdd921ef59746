package docs

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"
	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandategin "github.com/go-mandate/mandate/adapters/gin"
	"github.com/go-mandate/mandate/core/pages"
	"github.com/go-mandate/mandate/core/server"
)

// PageOptions turns on what the built-in pages have to offer.
func PageOptions(c server.Config, checkPassword func(ctx context.Context, name, password string) (server.User, error)) server.Config {
	// doc:start page-options
	c.SignIn = checkPassword // nil, and a Decide in MountConfig: your own pages
	c.AccountPage = true     // "Connected applications", at /interaction/applications
	c.MaxAccounts = 5        // people at once in one browser; 1: a sign-in signs out whoever was there
	c.Logos = true           // of clients that you registered
	c.Scopes = []server.Scope{
		{Name: "photos", Title: "See your photos", Description: "All albums, with who is on them."},
		{Name: "faces", Title: "Recognise faces", Optional: true}, // a box that people may untick
	}
	// doc:end
	return c
}

// PageLocales has pages in two languages.
func PageLocales(c server.Config, german pages.Texts) (server.Config, error) {
	// doc:start page-locales
	de, err := pages.New(pages.Options{Lang: "de", Brand: "Beispiel", Texts: german})
	if err != nil {
		return c, err
	}
	c.Locales = map[string]*pages.Set{"de": de} // Config.Pages, in English, for everybody else
	// doc:end
	return c, nil
}

// GermanIsComplete says which words are not German yet.
func GermanIsComplete(german pages.Texts) error {
	// doc:start page-texts
	if missing := german.Missing(); len(missing) > 0 {
		return fmt.Errorf("these would be shown in English: %v", missing)
	}
	// doc:end
	return nil
}

// PageScopes has what people read about a scope in two languages.
func PageScopes(c server.Config) server.Config {
	// doc:start page-scopes
	c.Scopes = []server.Scope{{
		Name: "photos", Title: "See your photos", Description: "All albums, with who is on them.",
		Locales: map[string]server.ScopeText{"de": {Title: "Deine Fotos sehen", Description: "Alle Alben, und wer darauf ist."}},
	}}
	// doc:end
	return c
}

//go:embed own
var own embed.FS

// PageTemplates puts a template of one's own in place of the error page.
func PageTemplates(c server.Config) (server.Config, error) {
	// doc:start page-templates
	templates, err := fs.Sub(own, "own") // own/error.html, from //go:embed own
	if err != nil {
		return c, err
	}
	c.Pages, err = pages.New(pages.Options{Templates: templates})
	// doc:end
	return c, err
}

// GinApplications is the list of connected applications on a page of one's own.
func GinApplications(r *gin.Engine, srv *server.Server, signedIn func(c *gin.Context) string) {
	// doc:start applications-gin
	r.GET("/settings/applications", func(c *gin.Context) {
		list, err := srv.Connections(mandategin.Context(c), signedIn(c))
		if err != nil {
			_ = c.AbortWithError(500, err)
			return
		}
		c.HTML(200, "applications", list) // {{range .}} {{.Name}} {{range .Scopes}}{{.Title}}{{end}} {{.Since}} {{.Used}}
	})
	r.POST("/settings/applications", func(c *gin.Context) { // behind your own CSRF protection
		if _, err := srv.Disconnect(mandategin.Context(c), signedIn(c), c.PostForm("client")); err != nil {
			_ = c.AbortWithError(500, err)
			return
		}
		c.Redirect(303, "/settings/applications")
	})
	// doc:end
}

// EchoApplications is the list of connected applications on a page of one's own.
func EchoApplications(r *echo.Echo, srv *server.Server, signedIn func(c echo.Context) string) {
	// doc:start applications-echo
	r.GET("/settings/applications", func(c echo.Context) error {
		list, err := srv.Connections(mandateecho.Context(c), signedIn(c))
		if err != nil {
			return err
		}
		return c.Render(200, "applications", list) // {{range .}} {{.Name}} {{range .Scopes}}{{.Title}}{{end}} {{.Since}} {{.Used}}
	})
	r.POST("/settings/applications", func(c echo.Context) error { // behind your own CSRF protection
		if _, err := srv.Disconnect(mandateecho.Context(c), signedIn(c), c.FormValue("client")); err != nil {
			return err
		}
		return c.Redirect(303, "/settings/applications")
	})
	// doc:end
}

// FiberApplications is the list of connected applications on a page of one's own.
func FiberApplications(r *fiber.App, srv *server.Server, signedIn func(c *fiber.Ctx) string) {
	// doc:start applications-fiber
	r.Get("/settings/applications", func(c *fiber.Ctx) error {
		list, err := srv.Connections(mandatefiber.Context(c), signedIn(c))
		if err != nil {
			return err
		}
		return c.Render("applications", list) // {{range .}} {{.Name}} {{range .Scopes}}{{.Title}}{{end}} {{.Since}} {{.Used}}
	})
	r.Post("/settings/applications", func(c *fiber.Ctx) error { // behind your own CSRF protection
		if _, err := srv.Disconnect(mandatefiber.Context(c), signedIn(c), c.FormValue("client")); err != nil {
			return err
		}
		return c.Redirect("/settings/applications", 303)
	})
	// doc:end
}

// GinChoose lets people choose an account on a page of one's own.
func GinChoose(accounts func(c *gin.Context) []server.User, use func(c *gin.Context, user server.User)) mandategin.Decide {
	// doc:start choose-gin
	return func(c *gin.Context, ask *server.Ask) (server.Answer, error) {
		there := accounts(c) // who is signed in here: the current one first
		if ask.Submitted() && c.PostForm("account") != "" {
			for _, user := range there {
				if user.Subject == c.PostForm("account") {
					use(c, user) // the current one from now on
					return server.Choose(user), nil
				}
			}
		}
		if len(there) > 0 && ask.Request.Wants("select_account") && !ask.Accepts(there[0]) {
			return server.Page(func() error {
				c.HTML(200, "accounts", map[string]any{"Ask": ask, "Accounts": there})
				return nil
			}), nil
		}
		return decideGin(c, ask) // sign-in and consent, as ever
	}
	// doc:end
}

// EchoChoose lets people choose an account on a page of one's own.
func EchoChoose(accounts func(c echo.Context) []server.User, use func(c echo.Context, user server.User)) mandateecho.Decide {
	// doc:start choose-echo
	return func(c echo.Context, ask *server.Ask) (server.Answer, error) {
		there := accounts(c) // who is signed in here: the current one first
		if ask.Submitted() && c.FormValue("account") != "" {
			for _, user := range there {
				if user.Subject == c.FormValue("account") {
					use(c, user) // the current one from now on
					return server.Choose(user), nil
				}
			}
		}
		if len(there) > 0 && ask.Request.Wants("select_account") && !ask.Accepts(there[0]) {
			return server.Page(func() error {
				return c.Render(200, "accounts", map[string]any{"Ask": ask, "Accounts": there})
			}), nil
		}
		return decideEcho(c, ask) // sign-in and consent, as ever
	}
	// doc:end
}

// FiberChoose lets people choose an account on a page of one's own.
func FiberChoose(accounts func(c *fiber.Ctx) []server.User, use func(c *fiber.Ctx, user server.User)) mandatefiber.Decide {
	// doc:start choose-fiber
	return func(c *fiber.Ctx, ask *server.Ask) (server.Answer, error) {
		there := accounts(c) // who is signed in here: the current one first
		if ask.Submitted() && c.FormValue("account") != "" {
			for _, user := range there {
				if user.Subject == c.FormValue("account") {
					use(c, user) // the current one from now on
					return server.Choose(user), nil
				}
			}
		}
		if len(there) > 0 && ask.Request.Wants("select_account") && !ask.Accepts(there[0]) {
			return server.Page(func() error {
				return c.Render("accounts", map[string]any{"Ask": ask, "Accounts": there})
			}), nil
		}
		return decideFiber(c, ask) // sign-in and consent, as ever
	}
	// doc:end
}

func decideGin(*gin.Context, *server.Ask) (server.Answer, error) { return server.SignIn("/login"), nil }

func decideEcho(echo.Context, *server.Ask) (server.Answer, error) {
	return server.SignIn("/login"), nil
}

func decideFiber(*fiber.Ctx, *server.Ask) (server.Answer, error) { return server.SignIn("/login"), nil }
