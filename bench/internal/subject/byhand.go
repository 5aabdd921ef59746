package subject

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// ByHand is what is written by hand in an afternoon: a map from the token itself to what it stands for, behind a lock. It
// keeps secrets in clear, knows no grant and revokes nothing. It returns the route on Gin and a token.
func ByHand() (http.Handler, string) {
	type entry struct {
		subject, scopes string
		expires         time.Time
	}
	var (
		mu    sync.RWMutex // guards known
		known = make(map[string]*entry, Tokens)
		token string
	)
	for range Tokens {
		token = opaque()
		known[token] = &entry{"u", "read write", time.Now().Add(12 * time.Hour)}
	}
	return Gin(func(c *gin.Context) {
		text, ok := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
		mu.RLock()
		e := known[text]
		mu.RUnlock()
		if !ok || e == nil || time.Now().After(e.expires) || !strings.Contains(" "+e.scopes+" ", " "+scope+" ") {
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		c.Set("user", e)
	}), token
}
