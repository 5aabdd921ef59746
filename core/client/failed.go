package client

import (
	"context"
	"encoding/json"
	"html"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

func noStore() mandate.Fields { return mandate.Fields{{Name: "Cache-Control", Value: "no-store"}} }

// failed answers a login that failed. home is where the application begins; empty: nobody knows.
func (s Steps) failed(ctx context.Context, req *mandate.Request, header mandate.Fields, err *Error, home string) *mandate.Response {
	resp := &mandate.Response{Status: err.HTTPStatus(), Header: header, Err: err}
	if s.Error != nil {
		resp.Page = func() error { return s.Error(ctx, err) }
		return resp
	}
	resp.Header = append(resp.Header, mandate.Field{Name: "Vary", Value: "Accept, Sec-Fetch-Mode"})
	if req.Header.Get("Sec-Fetch-Mode") == "navigate" || strings.Contains(req.Header.Get("Accept"), "text/html") {
		title := "Sign-in failed"
		if err.Kind == Denied { // nothing is broken
			title = "Not signed in"
		}
		content := "<h1 id=\"login-failed\">" + title + "</h1>\n<p>" + html.EscapeString(err.advice()) + "</p>\n"
		if home != "" {
			content += "<a id=\"login-home\" href=\"" + html.EscapeString(home) + "/\">Back to the start page</a>\n"
		}
		page(resp, title, content, "")
		return resp
	}
	resp.Header = append(resp.Header, mandate.Field{Name: "Content-Type", Value: "application/json"})
	resp.Body, _ = json.Marshal(map[string]string{"error": strings.ReplaceAll(string(err.Kind), " ", "_"), "error_description": err.advice()}) // strings alone: no error
	return resp
}

// advice tells a user what happened, without a word that a stranger chose.
func (e *Error) advice() string {
	switch e.Kind {
	case Denied:
		return "You or the provider declined. Nothing was shared."
	case StateMissing:
		return "This sign-in does not belong to this browser, or was finished already. Please begin again."
	case Expired:
		return "This sign-in took too long. Please begin again."
	case Fault:
		return "Something went wrong here. Please try again later."
	default:
		return "The provider's answer could not be used. Please begin again."
	}
}
