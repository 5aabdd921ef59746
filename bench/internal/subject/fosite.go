package subject

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/storage"
)

// digests keeps client secrets as SHA-256, which is what a random secret needs: fosite's own default is bcrypt, which takes
// some 50 ms and would be no comparison.
type digests struct{}

// Compare implements fosite.Hasher.
func (digests) Compare(_ context.Context, hash, data []byte) error {
	sum := sha256.Sum256(data)
	if subtle.ConstantTimeCompare(sum[:], hash) != 1 {
		return errors.New("wrong secret")
	}
	return nil
}

// Hash implements fosite.Hasher.
func (digests) Hash(_ context.Context, data []byte) ([]byte, error) {
	sum := sha256.Sum256(data)
	return sum[:], nil
}

func newFosite() fosite.OAuth2Provider {
	cfg := &fosite.Config{
		GlobalSecret: []byte("0123456789abcdef0123456789abcdef"), ClientSecretsHasher: digests{}, RefreshTokenScopes: []string{},
		AccessTokenIssuer: issuer, AccessTokenLifespan: 12 * time.Hour,
	}
	hash, _ := digests{}.Hash(context.Background(), []byte(secret))
	s := storage.NewMemoryStore()
	s.Clients[machine] = &fosite.DefaultClient{ID: machine, Secret: hash, GrantTypes: []string{"client_credentials"}, Scopes: []string{scope}}
	s.Clients[app] = &fosite.DefaultClient{
		ID: app, Public: true, GrantTypes: []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"}, Scopes: []string{scope}, RedirectURIs: []string{redirectURI},
	}
	return compose.Compose(cfg, s, compose.NewOAuth2HMACStrategy(cfg),
		compose.OAuth2AuthorizeExplicitFactory, compose.OAuth2ClientCredentialsGrantFactory, compose.OAuth2RefreshTokenGrantFactory,
		compose.OAuth2PKCEFactory, compose.OAuth2TokenIntrospectionFactory)
}

func session() fosite.Session { return &fosite.DefaultSession{Subject: "u"} }

// Fosite returns ory/fosite's server with opaque tokens over its own memory store.
func Fosite() http.Handler { return serveFosite(newFosite()) }

func serveFosite(p fosite.OAuth2Provider) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/authorize", func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		ar, err := p.NewAuthorizeRequest(ctx, r)
		if err != nil {
			p.WriteAuthorizeError(ctx, w, ar, err)
			return
		}
		ar.GrantScope(scope)
		resp, err := p.NewAuthorizeResponse(ctx, ar, session())
		if err != nil {
			p.WriteAuthorizeError(ctx, w, ar, err)
			return
		}
		p.WriteAuthorizeResponse(ctx, w, ar, resp)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		ar, err := p.NewAccessRequest(ctx, r, session())
		if err != nil {
			p.WriteAccessError(ctx, w, ar, err)
			return
		}
		if ar.GetGrantTypes().ExactOne("client_credentials") {
			ar.GrantScope(scope)
		}
		resp, err := p.NewAccessResponse(ctx, ar)
		if err != nil {
			p.WriteAccessError(ctx, w, ar, err)
			return
		}
		p.WriteAccessResponse(ctx, w, ar, resp)
	})
	return mux
}

// FositeGuard returns the measured route on Gin behind fosite's introspection, with [Tokens] live tokens, and one of them.
func FositeGuard() (http.Handler, string) {
	p := newFosite()
	return Gin(func(c *gin.Context) {
		r := c.Request
		_, who, err := p.IntrospectToken(r.Context(), fosite.AccessTokenFromRequest(r), fosite.AccessToken, session(), scope)
		if err != nil {
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		c.Set("token", who)
	}), fill(serveFosite(p))
}

// fill has h issue [Tokens] tokens and returns the last one.
func fill(h http.Handler) (token string) {
	for range Tokens {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/token", strings.NewReader(clientForm))
		r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": basic}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		_, tail, _ := strings.Cut(w.Body.String(), `"access_token":"`)
		token, _, _ = strings.Cut(tail, `"`)
	}
	return token
}
