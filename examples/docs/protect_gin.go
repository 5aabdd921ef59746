package docs

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/gin-gonic/gin"

	mandategin "github.com/go-mandate/mandate/adapters/gin"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// GinProblem answers refusals as RFC 9457 has it, or with a page.
func GinProblem(guard *resource.Guard) *mandategin.Auth {
	// doc:start problem-gin
	auth := mandategin.New(guard, mandategin.Config{
		ErrorHandler: func(c *gin.Context, err *mandate.Error) { // status, challenge and Cache-Control are set already
			if c.NegotiateFormat("application/problem+json", "text/html") == "text/html" {
				c.HTML(c.Writer.Status(), "refused.html", err) // a page of your own
				return
			}
			body, _ := json.Marshal(problem{Type: "about:blank", Title: string(err.Code), Status: c.Writer.Status(), Detail: err.Description})
			c.Data(c.Writer.Status(), "application/problem+json", body) // RFC 9457
		},
	})
	// doc:end
	return auth
}

// GinResource mounts what the API says about itself.
func GinResource(r *gin.Engine, guard *resource.Guard) error {
	// doc:start mount-resource-gin
	err := mandategin.MountResource(r, guard)
	// doc:end
	return err
}

// GinRaise logs refusals where all errors are.
func GinRaise(r *gin.Engine, guard *resource.Guard, log func(error)) *mandategin.Auth {
	// doc:start raise-gin
	r.Use(func(c *gin.Context) {
		c.Next()
		for _, err := range c.Errors {
			log(err.Err)
		}
	})
	auth := mandategin.New(guard, mandategin.Config{Raise: true})
	// doc:end
	return auth
}

// GinEvents streams events from behind a guard.
func GinEvents(r *gin.Engine, auth *mandategin.Auth, events func(context.Context, *mandate.Token) iter.Seq[string]) {
	// doc:start events-gin
	r.GET("/events", auth.Require("orders"), func(c *gin.Context) {
		tok := mandategin.Token(c)
		c.Header("Content-Type", "text/event-stream")
		for event := range events(c.Request.Context(), tok) {
			fmt.Fprintf(c.Writer, "data: %s\n\n", event)
			c.Writer.Flush()
		}
	})
	// doc:end
}
