// Own-consent-page is an authorization server inside an application that has a sign-in and a consent page of its own, on Gin:
//
//	go run ./examples/own-consent-page-gin
package main

import (
	"flag"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	mandategin "github.com/go-mandate/mandate/adapters/gin"
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
	a := &app{srv: srv}

	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.UseRawPath = true
	r.SetHTMLTemplate(template.Must(template.New("").Parse(pages)))
	r.GET("/login", a.loginPage)
	r.POST("/login", a.login)
	r.Any("/client/*path", gin.WrapH(demo.NewClient(base, "books", "books-secret", "profile", "invoices")))
	// doc:start mount-gin
	if err := mandategin.Mount(r, srv, mandategin.MountConfig{Decide: a.decide}); err != nil {
		return err
	}
	// doc:end

	fmt.Printf("Open %s/client/login and sign in as demo, password demo.\n", base)
	return r.Run(addr)
}

// doc:start decide-gin

// decide is asked about every authorization request: once when it comes, again when the user has signed in, and again when the
// consent page's form comes back.
func (a *app) decide(c *gin.Context, ask *server.Ask) (server.Answer, error) {
	user, ok := a.signedIn(c)
	switch {
	case !ok || !ask.Accepts(user): // nobody, or not recently or strongly enough for this client
		return server.SignIn("/login"), nil
	case ask.Submitted() && c.PostForm("decision") == "allow":
		return server.ApproveScopes(user, ask.Values("scope")), nil // none ticked: denied
	case ask.Submitted():
		return server.Deny(), nil
	case ask.Remembered(mandategin.Context(c), user):
		return server.Approve(user), nil
	}
	return server.Page(func() error {
		c.HTML(200, "consent", map[string]any{"User": user, "Ask": ask})
		return nil
	}), nil
}

// signedIn is the application's own session.
func (a *app) signedIn(c *gin.Context) (server.User, bool) {
	cookie, _ := c.Cookie("session") // an empty one is nobody's
	return a.sessions.User(cookie)
}

// doc:end

// doc:start login-gin

func (a *app) loginPage(c *gin.Context) {
	c.HTML(200, "login", mandategin.ReturnTo(c, a.srv, "/client/"))
}

func (a *app) login(c *gin.Context) {
	if c.PostForm("name") != "demo" || c.PostForm("password") != "demo" {
		c.HTML(401, "login", mandategin.ReturnTo(c, a.srv, "/client/"))
		return
	}
	c.SetSameSite(http.SameSiteLaxMode)
	session := a.sessions.Start(server.User{Subject: "user-1", Name: "Demo", AuthTime: time.Now()})
	c.SetCookie("session", session, 0, "/", "", false, true)
	c.Redirect(303, mandategin.ReturnTo(c, a.srv, "/client/"))
}

// doc:end

const pages = consentPage + `
{{define "login"}}<!doctype html><title>Sign in</title>
<form method="post" action="/login"><input type="hidden" name="return_to" value="{{.}}">
<label>Name <input name="name"></label> <label>Password <input name="password" type="password"></label> <button>Sign in</button></form>{{end}}
`

// doc:start consent-page

// The form is posted to Ask.Action and holds Ask.Fields; all else is the page's own.
const consentPage = `
{{define "consent"}}<!doctype html><title>Allow access</title>
<p>{{.User.Name}}, {{.Ask.ClientName}} ({{.Ask.RedirectHost}}) asks to:</p>
<form method="post" action="{{.Ask.Action}}">{{.Ask.Fields}}
{{range .Ask.Scopes}}<label><input type="checkbox" name="scope" value="{{.Name}}" checked> {{.Title}}</label><br>{{end}}
<button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button></form>{{end}}
`

// doc:end
