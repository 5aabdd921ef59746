package client

import (
	"bytes"
	"encoding/json"
	"math"
	"mime"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
)

// maxLife bounds how long a token lives: longer than that is "never" in other words.
const maxLife = 100 * 365 * 24 * time.Hour

// readToken reads the answer of a token endpoint. asked is the scope that was asked for, which is granted where the answer names none
// (RFC 6749, section 5.1). An error member is an error whatever the status: some servers send it with 200.
func readToken(res *mandate.Response, force, asked string, now time.Time) (*oauth2.Token, *Error) {
	m, fault := answer(res, force)
	if fault != nil {
		return nil, fault
	}
	tok := &oauth2.Token{AccessToken: text(m["access_token"]), TokenType: text(m["token_type"]), RefreshToken: text(m["refresh_token"])}
	switch {
	case tok.AccessToken == "":
		return nil, broken(res, "the answer has no access_token")
	case !visible(tok.AccessToken) || !visible(tok.RefreshToken) || !visible(tok.TokenType): // RFC 6749, appendix A
		return nil, broken(res, "a token of the answer has characters that no token has")
	}
	if life := lifeOf(m); life > 0 {
		tok.Expiry, tok.ExpiresIn = now.Add(life), int64(life/time.Second)
	}
	if _, ok := m["scope"]; !ok && asked != "" {
		m["scope"] = asked
	}
	return tok.WithExtra(m), nil
}

// answer reads the members of an answer to a request of this package's own, which is none if it is an error.
func answer(res *mandate.Response, force string) (map[string]any, *Error) {
	m, ok := members(res, force)
	if fault := refusal(res, m); fault != nil {
		return nil, fault
	}
	if !ok {
		return nil, broken(res, "the answer is neither JSON nor a form")
	}
	return m, nil
}

// refusal returns the error that an answer is, or nil.
func refusal(res *mandate.Response, m map[string]any) *Error {
	e := &Error{Kind: Provider, Status: res.Status, Body: res.Body}
	code, description := text(m["error"]), text(m["error_description"])
	if nested, ok := m["error"].(map[string]any); ok { // {"error": {"message": ..., "type": ..., "code": ...}}
		code, description = text(nested["type"]), text(nested["message"])
		if code == "" {
			code = text(nested["code"])
		}
		if code == "" && res.Status/100 == 2 {
			code = string(mandate.ServerError)
		}
	}
	if code == "" && res.Status/100 == 4 {
		code = text(m["errorCode"]) // Okta
	}
	for _, name := range [...]string{"message", "msg", "detail", "error_summary", "errorSummary", "reason"} { // of those who left RFC 6749
		if description == "" && res.Status/100 != 2 {
			description = text(m[name])
		}
	}
	e.Code, e.Description, e.URI = mandate.Code(short(code)), short(description), short(text(m["error_uri"]))
	switch {
	case code == "" && res.Status/100 == 2:
		return nil
	case e.Code == mandate.AccessDenied && res.Status != 401: // with 401 it is the application that is refused, not the user: Auth0
		e.Kind = Denied
	case e.Code == mandate.ExpiredToken:
		e.Kind = Expired
	case e.Code == mandate.TemporarilyUnavailable, res.Status == 429, code == "" && res.Status/100 == 5:
		e.Kind = Unreachable
	}
	if list, ok := m["errors"].([]any); ok && len(list) > 0 && e.Code == "" { // X: {"errors": [{"code": 89, "message": ...}]}
		one, _ := list[0].(map[string]any)
		e.Code = mandate.Code(short(text(one["code"])))
		if e.Description == "" {
			e.Description = short(text(one["message"]))
		}
	}
	return e
}

func broken(res *mandate.Response, what string) *Error {
	return &Error{Kind: Unreachable, Status: res.Status, Body: res.Body, Description: what}
}

// members reads an object of JSON, or a form. Where the answer does not say which, its first character does.
func members(res *mandate.Response, force string) (map[string]any, bool) {
	body := bytes.TrimSpace(bytes.TrimPrefix(res.Body, []byte("\xef\xbb\xbf")))
	kind := mediaType(res.Header.Get("Content-Type"))
	if force != "" {
		kind = mediaType(force)
	}
	if isJSON(kind) || kind != formType && bytes.HasPrefix(body, []byte("{")) {
		var m map[string]any
		if json.Unmarshal(body, &m) != nil || m == nil {
			return nil, false
		}
		return m, true
	}
	if kind == "text/html" && force == "" {
		return nil, false
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !form.Has("access_token") && !form.Has("error") && kind != formType {
		return nil, false
	}
	m := make(map[string]any, len(form))
	for name, values := range form {
		m[name] = values[0]
	}
	return m, true
}

const formType = "application/x-www-form-urlencoded"

func mediaType(header string) string {
	kind, _, err := mime.ParseMediaType(header)
	if err != nil && kind == "" {
		kind, _, _ = strings.Cut(strings.ToLower(header), ";")
		kind = strings.TrimSpace(kind)
	}
	return kind
}

func isJSON(kind string) bool {
	switch kind {
	case "application/json", "text/json", "text/javascript", "application/javascript":
		return true
	}
	return strings.HasSuffix(kind, "+json")
}

// text returns what a member says, if it is a string or a number.
func text(member any) string {
	switch v := member.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// lifeOf returns how long the token of an answer lives; zero: nobody knows.
func lifeOf(m map[string]any) time.Duration {
	for _, name := range []string{"expires_in", "expires"} { // the second is an old Facebook's
		if life := seconds(m[name]); life > 0 {
			return life
		}
	}
	return 0
}

// seconds returns the duration that a member says, as a number or as the text of one. What is none, or less than a second, is zero.
func seconds(member any) time.Duration {
	n, err := strconv.ParseFloat(strings.TrimSpace(text(member)), 64)
	if err != nil || math.IsNaN(n) || n < 1 {
		return 0
	}
	return time.Duration(min(n, maxLife.Seconds()) * float64(time.Second))
}

// visible reports whether s has only the characters of tokens: no header can be made of it.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
