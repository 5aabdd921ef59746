package docs

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// EchoProblem answers refusals as RFC 9457 has it, or with a page.
func EchoProblem(guard *resource.Guard) *mandateecho.Auth {
	// doc:start problem-echo
	auth := mandateecho.New(guard, mandateecho.Config{
		ErrorHandler: func(c echo.Context, err *mandate.Error) error { // status, challenge and Cache-Control are set already
			status := c.Response().Status
			if strings.Contains(c.Request().Header.Get("Accept"), "text/html") {
				return c.Render(status, "refused.html", err) // a page of your own
			}
			body, _ := json.Marshal(problem{Type: "about:blank", Title: string(err.Code), Status: status, Detail: err.Description})
			return c.Blob(status, "application/problem+json", body) // RFC 9457
		},
	})
	// doc:end
	return auth
}

// EchoResource mounts what the API says about itself.
func EchoResource(r *echo.Echo, guard *resource.Guard) error {
	// doc:start mount-resource-echo
	err := mandateecho.MountResource(r, guard)
	// doc:end
	return err
}

// EchoRaise logs refusals where all errors are.
func EchoRaise(r *echo.Echo, guard *resource.Guard, log func(error)) *mandateecho.Auth {
	// doc:start raise-echo
	r.HTTPErrorHandler = func(err error, c echo.Context) {
		log(err) // an *echo.HTTPError with the status; the answer is written
		r.DefaultHTTPErrorHandler(err, c)
	}
	auth := mandateecho.New(guard, mandateecho.Config{Raise: true})
	// doc:end
	return auth
}

// EchoEvents streams events from behind a guard.
func EchoEvents(r *echo.Echo, auth *mandateecho.Auth, events func(context.Context, *mandate.Token) iter.Seq[string]) {
	// doc:start events-echo
	r.GET("/events", func(c echo.Context) error {
		tok := mandateecho.Token(c)
		c.Response().Header().Set("Content-Type", "text/event-stream")
		for event := range events(c.Request().Context(), tok) {
			fmt.Fprintf(c.Response(), "data: %s\n\n", event)
			c.Response().Flush()
		}
		return nil
	}, auth.Require("orders"))
	// doc:end
}
