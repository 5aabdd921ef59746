package oauth1

import (
	"encoding/json"
	"fmt"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

// maxAnswer bounds the answer of a token endpoint.
const maxAnswer = 64 << 10

// Issued is what a server gives a client: temporary credentials or token credentials (RFC 5849, sections 2.1 and 2.3).
type Issued struct {
	Token             string
	Secret            string
	CallbackConfirmed bool           // the server knows the callback: must be true for temporary credentials
	Extra             mandate.Params // everything else that came, like user_id
}

// ParseIssued reads the answer of an endpoint that issues credentials: a form, or an object of JSON, which some servers send. A status of 400
// and above, or an answer that says oauth_problem, is an [*Error] with that code; without one its code is [mandate.ServerError].
// Only the form's first value of a name counts. The error repeats nothing that could be a secret.
func ParseIssued(status int, body string) (Issued, error) {
	var out Issued
	if len(body) > maxAnswer {
		return out, fmt.Errorf("oauth1: the answer is over %d bytes", maxAnswer)
	}
	list, err := answer(body)
	if problem := list.Get("oauth_problem"); status >= 400 || problem != "" {
		return out, refusal(status, problem, list)
	}
	if err != nil {
		return out, err
	}
	for _, p := range list {
		switch p.Name {
		case "oauth_token":
			out.Token = p.Value
		case "oauth_token_secret":
			out.Secret = p.Value
		case "oauth_callback_confirmed":
			out.CallbackConfirmed = p.Value == "true"
		default:
			out.Extra = append(out.Extra, p)
		}
	}
	if out.Token == "" {
		return Issued{}, fmt.Errorf("oauth1: the answer with status %d has no oauth_token", status)
	}
	return out, nil
}

// refusal returns the error that an answer speaks of.
func refusal(status int, problem string, list mandate.Params) error {
	code := mandate.Code(mandate.Printable(problem))
	if code == "" {
		code = mandate.ServerError
	}
	advice := list.Get("oauth_problem_advice")
	if advice == "" {
		advice = list.Get("error_description")
	}
	if advice == "" {
		advice = list.Get("error")
	}
	e := Errorf(code, fmt.Errorf("oauth1: the server answered %d", status), "%s", advice)
	for _, name := range [...]string{"oauth_parameters_absent", "oauth_parameters_rejected"} {
		if names := list.Get(name); names != "" {
			e.Parameters = strings.Split(mandate.Printable(names), "&")
		}
	}
	return e
}

// answer returns the parameters of a form or the strings, numbers and truths of an object of JSON.
func answer(body string) (mandate.Params, error) {
	body = strings.TrimSpace(body)
	if !strings.HasPrefix(body, "{") {
		p := newParams("", "", body)
		if err := p.addForm(body, "answer"); err != nil {
			return nil, fmt.Errorf("oauth1: the answer is not a form: %w", err)
		}
		return first(p.list), nil
	}
	var members map[string]any
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&members); err != nil {
		return nil, fmt.Errorf("oauth1: the answer is not an object of JSON: %w", err)
	}
	var list mandate.Params
	for name, value := range members {
		switch value.(type) {
		case string, json.Number, bool:
			list = append(list, mandate.Field{Name: name, Value: fmt.Sprint(value)})
		}
	}
	return list, nil
}

// first returns the first parameter of each name.
func first(list mandate.Params) mandate.Params {
	out := make(mandate.Params, 0, len(list))
	seen := make(map[string]bool, len(list))
	for _, p := range list {
		if !seen[p.Name] {
			seen[p.Name] = true
			out = append(out, p)
		}
	}
	return out
}
