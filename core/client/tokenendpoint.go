package client

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
)

// token sends form to the token endpoint with the client's credentials, and returns the token of the answer (RFC 6749, section 5).
func (a *oauth2App) token(ctx context.Context, e *endpoints, form url.Values) (*oauth2.Token, error) {
	resp, err := a.post(ctx, e.token, "token", form)
	if err != nil {
		return nil, err
	}
	return parseToken(a.Name, resp, a.w.Now())
}

// post sends form to an endpoint of the provider with the client's credentials.
func (a *oauth2App) post(ctx context.Context, endpoint, purpose string, form url.Values) (*mandate.Response, error) {
	header := mandate.Fields{{Name: "Content-Type", Value: "application/x-www-form-urlencoded"}, {Name: "Accept", Value: "application/json"}}
	switch c := a.Credentials; c.method() {
	case "client_secret_basic":
		pair := url.QueryEscape(c.ID) + ":" + url.QueryEscape(c.Secret) // RFC 6749, section 2.3.1
		header = append(header, mandate.Field{Name: "Authorization", Value: "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))})
	case "client_secret_post":
		form.Set("client_id", c.ID)
		form.Set("client_secret", c.Secret)
	default:
		form.Set("client_id", c.ID)
	}
	header = append(header, a.TokenHeader...)
	resp, err := a.w.Fetcher.Fetch(ctx, &mandate.FetchRequest{
		Method: http.MethodPost, URL: endpoint, Header: header, Body: form.Encode(), Purpose: purpose, Trust: mandate.Operator,
	})
	if err != nil {
		return nil, &Error{Kind: Unreachable, App: a.Name, Cause: fmt.Errorf("%s endpoint: %w", purpose, err)}
	}
	return resp, nil
}

// parseToken reads an answer of a token endpoint: JSON, or a form as some providers send it. An error member is an error at any status.
func parseToken(app string, resp *mandate.Response, now time.Time) (*oauth2.Token, error) {
	members, err := parseObject(resp)
	text := func(name string) string {
		s, _ := members[name].(string)
		return s
	}
	broken := &Error{Kind: Unreachable, App: app, Status: resp.Status, Body: resp.Body}
	switch {
	case err == nil && text("error") != "":
		return nil, &Error{
			Kind: Provider, App: app, Code: mandate.Code(short(text("error"))), Description: short(text("error_description")), URI: short(text("error_uri")),
			Status: resp.Status, Body: resp.Body,
		}
	case resp.Status != http.StatusOK && resp.Status != http.StatusCreated:
		broken.Cause = errors.New("the token endpoint answered with an error of its own making")
		return nil, broken
	case err != nil:
		broken.Cause = fmt.Errorf("the token endpoint's answer: %w", err)
		return nil, broken
	case text("access_token") == "":
		broken.Cause = errors.New("the token endpoint's answer has no access_token")
		return nil, broken
	}
	tok := &oauth2.Token{AccessToken: text("access_token"), TokenType: text("token_type"), RefreshToken: text("refresh_token")}
	if seconds := lifetime(members["expires_in"]); seconds > 0 {
		tok.ExpiresIn = seconds
		tok.Expiry = now.Add(time.Duration(seconds) * time.Second)
	}
	return tok.WithExtra(members), nil
}

// maxLifetime bounds expires_in, in seconds: a hundred years.
const maxLifetime = 100 * 365 * 24 * 3600

// lifetime reads expires_in, which some send as a string.
func lifetime(v any) int64 {
	var seconds float64
	switch v := v.(type) {
	case float64:
		seconds = v
	case string:
		seconds, _ = strconv.ParseFloat(v, 64)
	}
	if !(seconds > 0) {
		return 0
	}
	return int64(min(seconds, maxLifetime))
}

// parseObject reads the members of a JSON object or of a form, by content type; where that says neither, by the first letter.
func parseObject(resp *mandate.Response) (map[string]any, error) {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	body := strings.TrimSpace(string(resp.Body))
	if kind == "application/x-www-form-urlencoded" || kind != "application/json" && !strings.HasPrefix(body, "{") {
		values, err := url.ParseQuery(body)
		if err != nil {
			return nil, errors.New("it is neither JSON nor a form")
		}
		members := make(map[string]any, len(values))
		for name, v := range values {
			members[name] = v[0]
		}
		return members, nil
	}
	var members map[string]any
	if err := json.Unmarshal([]byte(body), &members); err != nil {
		return nil, fmt.Errorf("it is not a JSON object: %w", err)
	}
	return members, nil
}
