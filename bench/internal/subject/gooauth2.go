package subject

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	oauth2 "github.com/go-oauth2/oauth2/v4"
	"github.com/go-oauth2/oauth2/v4/manage"
	"github.com/go-oauth2/oauth2/v4/models"
	"github.com/go-oauth2/oauth2/v4/server"
	"github.com/go-oauth2/oauth2/v4/store"
)

func newGoOAuth2() *server.Server {
	m := manage.NewDefaultManager()
	m.MustTokenStorage(store.NewMemoryTokenStore())
	m.SetClientTokenCfg(&manage.Config{AccessTokenExp: 12 * time.Hour})
	clients := store.NewClientStore()
	check(clients.Set(machine, &models.Client{ID: machine, Secret: secret, Domain: "https://app.example.com"}))
	check(clients.Set(app, &models.Client{ID: app, Public: true, Domain: "https://app.example.com"}))
	m.MapClientStorage(clients)
	srv := server.NewServer(&server.Config{
		TokenType: "Bearer", AllowedResponseTypes: []oauth2.ResponseType{oauth2.Code},
		AllowedGrantTypes:           []oauth2.GrantType{oauth2.AuthorizationCode, oauth2.ClientCredentials, oauth2.Refreshing},
		AllowedCodeChallengeMethods: []oauth2.CodeChallengeMethod{oauth2.CodeChallengeS256},
	}, m)
	srv.UserAuthorizationHandler = func(http.ResponseWriter, *http.Request) (string, error) { return "u", nil }
	srv.ClientInfoHandler = func(r *http.Request) (string, string, error) {
		if id, s, ok := r.BasicAuth(); ok {
			return id, s, nil
		}
		return r.FormValue("client_id"), r.FormValue("client_secret"), nil
	}
	return srv
}

// GoOAuth2 returns go-oauth2's server over its own memory store. It keeps client secrets in clear.
func GoOAuth2() http.Handler { return serveGoOAuth2(newGoOAuth2()) }

func serveGoOAuth2(srv *server.Server) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/authorize", func(w http.ResponseWriter, r *http.Request) {
		if err := srv.HandleAuthorizeRequest(w, r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) { check(srv.HandleTokenRequest(w, r)) })
	return mux
}

// GoOAuth2Guard returns the measured route on Gin behind go-oauth2's check, with [Tokens] live tokens, and one of them. It
// knows no scopes at the guard.
func GoOAuth2Guard() (http.Handler, string) {
	srv := newGoOAuth2()
	return Gin(func(c *gin.Context) {
		who, err := srv.ValidationBearerToken(c.Request)
		if err != nil {
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		c.Set("token", who)
	}), fill(serveGoOAuth2(srv))
}
