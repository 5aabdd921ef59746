package client

import (
	"html"
	"net/http"
	"slices"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

// againField marks a form that was posted again.
const againField = "mandate_again"

// againScript is not the form's own submit: a field may have that name.
const againScript = "HTMLFormElement.prototype.submit.call(document.forms[0])"

// again returns the page that posts an answer once more, from this site to itself, or nil where it is not needed. A cookie that a form of another
// site brings along must be SameSite=None, which browsers take over https alone: on http, which is loopback, the cookie of the login stays
// behind the first time.
func (r *Remote) again(req *mandate.Request) *mandate.Response {
	if req.Method != http.MethodPost || r.reg.secure || !r.protocol.CrossSite() {
		return nil
	}
	form, err := req.Form()
	if err != nil || form.Get(againField) != "" {
		return nil
	}
	state := form.Get("state")
	if _, ok := stateTime(state); !ok || req.Cookie(r.reg.cookie+state) != "" {
		return nil
	}
	var b strings.Builder
	b.WriteString("<h1>Signing in</h1>\n<form method=\"post\">\n")
	for _, p := range append(slices.Clip(form), mandate.Field{Name: againField, Value: "1"}) {
		b.WriteString(`<input type="hidden" name="` + html.EscapeString(p.Name) + `" value="` + html.EscapeString(p.Value) + "\">\n")
	}
	b.WriteString("<noscript><button>Continue</button></noscript>\n</form>\n")
	resp := &mandate.Response{Status: 200, Header: mandate.Fields{{Name: "Cache-Control", Value: "no-store"}, {Name: "Referrer-Policy", Value: "same-origin"}}}
	page(resp, "Signing in", b.String(), againScript)
	return resp
}
