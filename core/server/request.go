package server

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

// AuthorizationRequest is what a client asks for at the authorization endpoint (RFC 6749, section 4.1.1).
type AuthorizationRequest struct {
	ResponseTypes []string      `json:"rt,omitempty"` // the words of response_type, sorted
	ResponseMode  string        `json:"rm,omitempty"` // as Config.ResponseModes has it: the one asked for, or the default
	RedirectURI   string        `json:"ru,omitempty"` // where the answer goes: the one asked for, or the client's only one
	State         string        `json:"s,omitempty"`
	Details       store.Details `json:"d"`            // scopes, resources, challenge, nonce, and what extensions add: what the grant will carry
	Prompt        []string      `json:"p,omitempty"`  // what the page must do: "none", "login", "consent", "select_account"
	MaxAge        time.Duration `json:"ma,omitempty"` // how old the sign-in may be, if Aged
	Aged          bool          `json:"a,omitempty"`
	LoginHint     string        `json:"lh,omitempty"` // who the client thinks is there
	UILocales     string        `json:"ul,omitempty"`
	ACRValues     string        `json:"av,omitempty"` // wanted, best first, parted by spaces
	Display       string        `json:"di,omitempty"`
}

// Wants reports whether prompt has word (OpenID Connect Core, section 3.1.2.1).
func (q *AuthorizationRequest) Wants(word string) bool { return slices.Contains(q.Prompt, word) }

// silent reports whether no page may be shown.
func (q *AuthorizationRequest) silent() bool { return q.Wants("none") }

// redirectTo returns the URI that the answer to a request of c goes to: the requested one where c registered it, or
// c's only one where none is requested.
func redirectTo(c *store.Client, requested string) (string, error) {
	registered := c.Metadata.RedirectURIs
	if requested == "" {
		if len(registered) != 1 {
			return "", mandate.Errorf(mandate.InvalidRequest, nil, "redirect_uri is missing")
		}
		return registered[0], nil
	}
	anyPort := c.Metadata.Public() || c.Metadata.ApplicationType == "native"
	for _, r := range registered {
		if oauth2.MatchRedirectURI(r, requested, anyPort) {
			return requested, nil
		}
	}
	return "", mandate.Errorf(mandate.InvalidRequest, nil, "redirect_uri is not registered for this client")
}

// stillRegistered returns why the answer to q, which was checked earlier, may not go where it should any more.
func stillRegistered(c *store.Client, q *AuthorizationRequest) error {
	to, err := redirectTo(c, q.Details.RedirectURI)
	if err == nil && to != q.RedirectURI {
		err = mandate.Errorf(mandate.InvalidRequest, nil, "redirect_uri is not registered for this client any more")
	}
	return err
}

// readAnswer fills in what decides how the client is answered. It comes before everything else that may be refused. An error says what is
// wrong with the response mode.
func (s *Server) readAnswer(a *Ask, params mandate.Params) error {
	q := &a.Request
	if state, ok := good(params, "state"); ok {
		q.State = state
	}
	switch types := params.Get("response_type"); {
	case types == "code":
		q.ResponseTypes = s.justCode
	case allowed("response_type", types):
		q.ResponseTypes = strings.Fields(types)
		slices.Sort(q.ResponseTypes)
	}
	if prompt := params.Get("prompt"); prompt != "" && allowed("prompt", prompt) {
		q.Prompt = strings.Fields(prompt)
	}
	return s.readMode(a, params)
}

// readRequest fills a.Request with params, once client and redirect URI are proven. What it refuses goes
// to the client.
func (s *Server) readRequest(ctx context.Context, a *Ask, params mandate.Params) error {
	q := &a.Request
	badMode := s.readAnswer(a, params)
	if err := checkForm(params); err != nil {
		return err
	}
	if err := s.checkResponse(a); err != nil {
		return err
	}
	if badMode != nil {
		return badMode
	}
	if err := s.refuseUnmet(a.Client); err != nil {
		return err
	}
	switch {
	case s.mustPush(a.Client) && !a.pushed:
		return mandate.Errorf(mandate.InvalidRequest, nil, "the request must be pushed first (RFC 9126)")
	case s.mustSign(a.Client) && !a.signed:
		return mandate.Errorf(mandate.InvalidRequest, nil, "the request must be signed: send a request object (RFC 9101)")
	case params.Get("request") != "":
		return mandate.Errorf(mandate.RequestNotSupported, nil, "")
	case params.Get("request_uri") != "":
		return mandate.Errorf(mandate.RequestURINotSupported, nil, "")
	case q.silent() && len(q.Prompt) > 1:
		return mandate.Errorf(mandate.InvalidRequest, nil, "prompt has none and something else")
	}
	var challenge, method, age, details, scope string
	var resources []string
	for i := range params {
		switch value := params[i].Value; params[i].Name { // each comes once, but resource: that was checked
		case "redirect_uri":
			q.Details.RedirectURI = value
		case "nonce":
			q.Details.Nonce = value
		case "login_hint":
			q.LoginHint = firstOf(value, 256)
		case "ui_locales":
			q.UILocales = value
		case "acr_values":
			q.ACRValues = value
		case "display":
			q.Display = firstOf(value, 32)
		case "code_challenge":
			challenge = value
		case "code_challenge_method":
			method = value
		case "max_age":
			age = value
		case paramDetails:
			details = value
		case "scope":
			scope = value
		case "resource":
			resources = append(resources, value)
		}
	}
	if err := s.readChallenge(a, challenge, method); err != nil {
		return err
	}
	if age != "" {
		n, err := strconv.ParseUint(age, 10, 31)
		if err != nil {
			return mandate.Errorf(mandate.InvalidRequest, nil, "max_age is not a number of seconds")
		}
		q.MaxAge, q.Aged = time.Duration(n)*time.Second, true
	}
	var err error
	if q.Details.Rich, err = s.richFor(ctx, a.Client, details); err != nil {
		return err
	}
	if q.Details.Scopes, err = s.scopesFor(a.Client, scope); err != nil && (q.Details.Rich == "" || scope != "") {
		return err
	}
	q.Details.Resources, err = s.resourcesFor(a.Client, resources)
	return err
}

// checkResponse refuses a response type that is unknown or not the client's.
func (s *Server) checkResponse(a *Ask) error {
	types := a.Request.ResponseTypes
	if len(types) == 0 {
		return mandate.Errorf(mandate.InvalidRequest, nil, "parameter response_type is missing")
	}
	for i, t := range types {
		if s.responses[t].Respond == nil || i > 0 && types[i-1] == t {
			return mandate.Errorf(mandate.UnsupportedResponseType, nil, "response_type is not supported")
		}
	}
	if len(types) > 1 && slices.Contains(types, responseNone) {
		return mandate.Errorf(mandate.UnsupportedResponseType, nil, "response_type none comes alone")
	}
	if m := &a.Client.Metadata; !m.Responds(strings.Join(types, " ")) || types[0] == "code" && !m.Allows(grantCode) || slices.Contains(types, responseToken) && !m.Allows(grantImplicit) {
		return mandate.Errorf(mandate.UnauthorizedClient, nil, "client may not use this response_type")
	}
	return nil
}

// readChallenge applies the policy for PKCE (RFC 7636, section 4.4.1; RFC 9700, section 2.1.1).
func (s *Server) readChallenge(a *Ask, challenge, method string) error {
	if !slices.Contains(a.Request.ResponseTypes, "code") {
		return nil // there is no code to protect
	}
	if challenge == "" {
		public := a.Client.Metadata.Public() || a.Client.Metadata.ApplicationType == "native"
		if method != "" || s.config.PKCE == PKCERequired || public || a.Client.Policy.PKCE {
			return mandate.Errorf(mandate.InvalidRequest, nil, "code_challenge is missing: PKCE is required (RFC 7636)")
		}
		return nil
	}
	switch {
	case method != oauth2.S256:
		return mandate.Errorf(mandate.InvalidRequest, nil, "code_challenge_method must be S256")
	case !oauth2.ValidChallenge(challenge):
		return mandate.Errorf(mandate.InvalidRequest, nil, "code_challenge is not the S256 of a verifier")
	}
	a.Request.Details.Challenge = challenge
	return nil
}

// firstOf returns s if it is at most limit bytes, or nothing: a hint that is too long is no hint.
func firstOf(s string, limit int) string {
	if len(s) > limit {
		return ""
	}
	return s
}
