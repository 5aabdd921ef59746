// Own-consent-page is an authorization server inside an application that has a sign-in and a consent page of its own, on Fiber:
//
//	go run ./examples/own-consent-page-fiber
package main

import (
	"flag"
	"fmt"
	"html/template"
	"log"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	"github.com/go-mandate/mandate/examples/internal/demo"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	log.Fatal(run(*addr))
}

// app is the application: it knows who is signed in.
type app struct {
	srv      *server.Server
	pages    *template.Template
	sessions demo.Sessions
}

// run serves on addr until that fails.
func run(addr string) error {
	base := "http://" + addr
	srv, err := server.New(server.Config{
		Issuer: base, Prefix: "/oauth", Store: memstore.New(),
		Scopes: []server.Scope{{Name: "profile", Title: "See who you are"}, {Name: "invoices", Title: "Read your invoices"}},
		Clients: []*store.Client{{
			ID: "books", Secrets: []store.Secret{server.HashSecret("books-secret")},
			Metadata: oauth2.ClientMetadata{Name: "Bookkeeper", RedirectURIs: []string{base + "/client/callback"}},
		}},
	})
	if err != nil {
		return err
	}
	a := &app{srv: srv, pages: template.Must(template.New("").Parse(pages))}

	r := fiber.New(fiber.Config{ReadBufferSize: 16 << 10, CaseSensitive: true, StrictRouting: true, DisableStartupMessage: true})
	r.Get("/login", a.loginPage)
	r.Post("/login", a.login)
	r.All("/client/*", adaptor.HTTPHandler(demo.NewClient(base, "books", "books-secret", "profile", "invoices")))
	// doc:start mount-fiber
	if err := mandatefiber.Mount(r, srv, mandatefiber.MountConfig{Decide: a.decide}); err != nil {
		return err
	}
	// doc:end

	fmt.Printf("Open %s/client/login and sign in as demo, password demo.\n", base)
	return r.Listen(addr)
}

// doc:start decide-fiber

// decide is asked about every authorization request: once when it comes, again when the user has signed in, and again when the
// consent page's form comes back.
func (a *app) decide(c *fiber.Ctx, ask *server.Ask) (server.Answer, error) {
	user, ok := a.signedIn(c)
	switch {
	case !ok || !ask.Accepts(user): // nobody, or not recently or strongly enough for this client
		return server.SignIn("/login"), nil
	case ask.Submitted() && c.FormValue("decision") == "allow":
		return server.ApproveScopes(user, ask.Values("scope")), nil // none ticked: denied
	case ask.Submitted():
		return server.Deny(), nil
	case ask.Remembered(mandatefiber.Context(c), user):
		return server.Approve(user), nil
	}
	return server.Page(func() error {
		return a.show(c, "consent", map[string]any{"User": user, "Ask": ask})
	}), nil
}

// signedIn is the application's own session.
func (a *app) signedIn(c *fiber.Ctx) (server.User, bool) {
	return a.sessions.User(c.Cookies("session"))
}

// doc:end

// doc:start login-fiber

func (a *app) loginPage(c *fiber.Ctx) error {
	return a.show(c, "login", mandatefiber.ReturnTo(c, a.srv, "/client/"))
}

func (a *app) login(c *fiber.Ctx) error {
	if c.FormValue("name") != "demo" || c.FormValue("password") != "demo" {
		return a.show(c.Status(401), "login", mandatefiber.ReturnTo(c, a.srv, "/client/"))
	}
	session := a.sessions.Start(server.User{Subject: "user-1", Name: "Demo", AuthTime: time.Now()})
	c.Cookie(&fiber.Cookie{Name: "session", Value: session, Path: "/", HTTPOnly: true, SameSite: "Lax"})
	return c.Redirect(mandatefiber.ReturnTo(c, a.srv, "/client/"), 303)
}

// doc:end

func (a *app) show(c *fiber.Ctx, page string, data any) error {
	return a.pages.ExecuteTemplate(c.Type("html", "utf-8"), page, data)
}

const pages = consentPage + `
{{define "login"}}<!doctype html><title>Sign in</title>
<form method="post" action="/login"><input type="hidden" name="return_to" value="{{.}}">
<label>Name <input name="name"></label> <label>Password <input name="password" type="password"></label> <button>Sign in</button></form>{{end}}
`

// The form is posted to Ask.Action and holds Ask.Fields; all else is the page's own.
const consentPage = `
{{define "consent"}}<!doctype html><title>Allow access</title>
<p>{{.User.Name}}, {{.Ask.ClientName}} ({{.Ask.RedirectHost}}) asks to:</p>
<form method="post" action="{{.Ask.Action}}">{{.Ask.Fields}}
{{range .Ask.Scopes}}<label><input type="checkbox" name="scope" value="{{.Name}}" checked> {{.Title}}</label><br>{{end}}
<button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button></form>{{end}}
`
