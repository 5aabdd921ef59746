package mandategin_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	mandategin "github.com/go-mandate/mandate/adapters/gin"
	mandate "github.com/go-mandate/mandate/core"
)

// TestContextWithFallback: Gin's own context is one that carries the token, where the engine is told so.
func TestContextWithFallback(t *testing.T) {
	t.Parallel()
	engine := gin.New()
	engine.ContextWithFallback = true
	want := mandate.NewToken(mandate.TokenInfo{Subject: "ann"})
	var got *mandate.Token
	engine.GET("/", func(c *gin.Context) { mandategin.SetToken(c, want) }, func(c *gin.Context) { got = mandate.TokenFrom(c) })
	engine.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if got != want {
		t.Errorf("the context carries %v, want %v", got, want)
	}
}
