package docs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// Requests are the ways in which authorization requests come and are answered.
func Requests(c *server.Config) {
	// doc:start request-config
	c.PushedRequests = &server.PushedRequests{}                  // clients may push requests; Required: all must
	c.RequestObjects = &server.RequestObjects{ByReference: true} // clients may sign requests, and name where they are
	c.ResponseModes = []string{"query", "fragment", "form_post", "jwt"}
	// doc:end
}

// RequestClient is a client whose requests must be pushed and signed.
func RequestClient(c *store.Client) {
	// doc:start request-client
	c.Policy.PAR, c.Policy.SignedRequest = true, true // or what it says itself, in its Metadata
	c.Metadata.JWKSURI = "https://books.example.com/jwks.json"
	c.Metadata.RequestAlg = "ES256"                                               // and no other
	c.Metadata.RequestURIs = []string{"https://books.example.com/requests/1.jwt"} // what request_uri may be
	c.Metadata.AuthorizationAlg = "ES256"                                         // signs the answers of response_mode=jwt
	// doc:end
}

// doc:start rich-type

// payment is what a client asks to pay, once.
type payment struct {
	Type   string `json:"type"` // "payment"
	To     string `json:"to"`
	Amount int64  `json:"amount"` // cents
	From   string `json:"from,omitempty"`
}

// payments is the type of authorization details for it.
func payments() server.RichType {
	read := func(detail json.RawMessage) (p payment) {
		_ = json.Unmarshal(detail, &p) // Check has seen it
		return p
	}
	return server.RichType{
		Name: "payment",
		Check: func(_ context.Context, _ *store.Client, detail json.RawMessage) (json.RawMessage, error) {
			var p payment
			if err := json.Unmarshal(detail, &p); err != nil || p.To == "" || p.Amount <= 0 {
				return nil, errors.New("a payment needs to and amount")
			}
			p.From = "" // which account it is, the user says
			return json.Marshal(p)
		},
		Describe: func(detail json.RawMessage) (title, text string) {
			p := read(detail)
			return fmt.Sprintf("Pay %d.%02d EUR to %s", p.Amount/100, p.Amount%100, p.To), "Once."
		},
		Covers: func(granted, asked json.RawMessage) bool { // a token for a part of it
			g, a := read(granted), read(asked)
			return a.To == g.To && a.Amount <= g.Amount
		},
	}
}

// doc:end

// Enrich is a decision that grants more than was asked for.
func Enrich(c *server.Config, ask *server.Ask, user server.User, account string) (server.Answer, error) {
	c.RichTypes = []server.RichType{payments()}
	// doc:start rich-answer
	var granted []json.RawMessage
	for _, d := range ask.Details { // d.Title and d.Text are for your page
		var p payment
		if err := json.Unmarshal(d.JSON, &p); err != nil {
			return server.Deny(), err
		}
		p.From = account // the one that the user chose there
		detail, err := json.Marshal(p)
		if err != nil {
			return server.Deny(), err
		}
		granted = append(granted, detail)
	}
	return server.Approve(user).WithDetails(granted...), nil
	// doc:end
}

// Prompt is a decision that follows the client's wishes.
func Prompt(ask *server.Ask, user server.User, signedIn bool) server.Answer {
	// doc:start request-prompt
	switch q := &ask.Request; {
	case !signedIn && q.Wants("create"): // prompt=create: the client wants a new account
		return server.SignIn("/signup")
	case !signedIn, !ask.Accepts(user): // prompt=login, max_age, acr_values
		return server.SignIn("/login") // q.LoginHint, q.UILocales and q.Display are for your page
	case user.Name == "":
		return server.Interact("/complete-your-profile")
	}
	// doc:end
	return server.Approve(user)
}
