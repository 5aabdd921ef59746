package client

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
)

// maxTemporary bounds temporary credentials, which travel in a cookie, in bytes.
const maxTemporary = 1 << 10

// temporary are the temporary credentials of a flow, and the scopes that were asked for.
type temporary struct{ token, secret, scopes string }

// sealed returns t as it travels in [Flow.Secret].
func (t temporary) sealed() string {
	return url.QueryEscape(t.token) + "&" + url.QueryEscape(t.secret) + "&" + url.QueryEscape(t.scopes)
}

// temporaryOf returns what sealed made, or nothing.
func temporaryOf(secret string) temporary {
	var t temporary
	for _, into := range [...]*string{&t.token, &t.secret, &t.scopes} {
		var part string
		part, secret, _ = strings.Cut(secret, "&")
		*into, _ = url.QueryUnescape(part) // it was made here
	}
	return t
}

// Begin implements [Protocol]: it asks for temporary credentials (RFC 5849, section 2.1).
func (a *oauth1App) Begin(ctx context.Context, f *Flow) (string, error) {
	params := make(mandate.Params, 0, len(a.AuthParams)+len(f.Params)+1)
	for _, p := range a.AuthParams {
		if !slices.ContainsFunc(f.Params, func(own mandate.Field) bool { return own.Name == p.Name }) {
			params = append(params, p)
		}
	}
	for _, p := range f.Params {
		if reserved1(p.Name) {
			return "", &Error{Kind: Fault, App: a.Name, Cause: fmt.Errorf("Begin.Params has %q, which belongs to the library", p.Name)}
		}
		params = append(params, p)
	}
	scopes, signer := a.Scopes, a.signer
	if f.Scopes != nil {
		scopes = f.Scopes
	}
	if len(scopes) > 0 {
		var err error
		if signer, err = a.newSigner(strings.Join(scopes, " ")); err != nil {
			return "", &Error{Kind: Fault, App: a.Name, Cause: err}
		}
	}
	callback := f.RedirectURI
	if a.CallbackState {
		callback = withQuery(callback, mandate.Params{{Name: "state", Value: f.State}})
	}
	issued, err := a.ask(ctx, "request token", signer, a.RequestTokenMethod, a.RequestTokenURL, a.RequestParams, oauth1.Outgoing{Callback: callback})
	switch {
	case err != nil:
		return "", err
	case !issued.CallbackConfirmed: // without it the verifier proves nothing: that was session fixation, and the reason for the "a"
		return "", &Error{Kind: Mismatch, App: a.Name, Cause: errors.New("the provider does not say oauth_callback_confirmed=true: it speaks OAuth 1.0 and not 1.0a")}
	case len(issued.Token)+len(issued.Secret) > maxTemporary:
		return "", &Error{Kind: Unreachable, App: a.Name, Cause: fmt.Errorf("the temporary credentials have more than %d bytes", maxTemporary)}
	}
	f.Secret = temporary{issued.Token, issued.Secret, strings.Join(scopes, " ")}.sealed()
	return withQuery(a.AuthURL, append(mandate.Params{{Name: "oauth_token", Value: issued.Token}}, params...)), nil
}

// withQuery returns a URL with more parameters.
func withQuery(rawURL string, params mandate.Params) string {
	var b strings.Builder
	b.WriteString(rawURL)
	switch {
	case !strings.Contains(rawURL, "?"):
		b.WriteByte('?')
	case !strings.HasSuffix(rawURL, "?") && !strings.HasSuffix(rawURL, "&"):
		b.WriteByte('&')
	}
	for i, p := range params {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(oauth1.Escape(p.Name) + "=" + oauth1.Escape(p.Value))
	}
	return b.String()
}

// Matches implements [Matching]: it reports whether the answer names the temporary credentials of f.
func (a *oauth1App) Matches(f *Flow, answer mandate.Params) bool {
	token := answer.Get("oauth_token")
	if token == "" {
		token = answer.Get("denied") // X names it so when the user says no
	}
	return !a.CallbackState && f.Secret != "" && token != "" && same(temporaryOf(f.Secret).token, token)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// Finish implements [Protocol]: it exchanges the verifier of an answer (RFC 5849, sections 2.2 and 2.3).
func (a *oauth1App) Finish(ctx context.Context, f *Flow, answer mandate.Params) (*SignIn, error) {
	t := temporaryOf(f.Secret)
	token, denied := answer.Get("oauth_token"), answer.Get("denied")
	if token != "" && !same(token, t.token) || denied != "" && !same(denied, t.token) {
		return nil, &Error{Kind: Mismatch, App: a.Name, Cause: errors.New("the answer has the oauth_token of another login")}
	}
	if err := a.refused(answer); err != nil {
		return nil, err
	}
	verifier := answer.Get("oauth_verifier")
	if token == "" || verifier == "" {
		return nil, &Error{Kind: Malformed, App: a.Name, Cause: errors.New("the answer has no oauth_token or no oauth_verifier, and no error")}
	}
	issued, err := a.ask(ctx, "token", a.signer.With(t.token, t.secret), a.TokenMethod, a.TokenURL, a.TokenParams, oauth1.Outgoing{Verifier: verifier})
	if err != nil {
		return nil, err
	}
	in := &SignIn{OAuth1: tokenOf1(issued)}
	asked := strings.Fields(t.scopes)
	if in.Scopes = strings.FieldsFunc(in.OAuth1.Extra["oauth_authorized_realms"], func(r rune) bool { return r == ' ' || r == ',' }); len(in.Scopes) == 0 {
		in.Scopes = asked
	}
	for _, s := range asked {
		if !slices.Contains(in.Scopes, s) {
			in.Missing = append(in.Missing, s)
		}
	}
	in.Profile, err = a.profile(ctx, &Granted{OAuth1: in.OAuth1, Params: answer, asks: a.asks(in.OAuth1)})
	return in, err
}

// refused returns the error that the answer in the browser's hands is, if it is one: oauth_problem, X's denied, or error as OAuth 2 has it.
func (a *oauth1App) refused(answer mandate.Params) error {
	problem := answer.Get("oauth_problem")
	if problem == "" {
		problem = answer.Get("error")
	}
	advice := answer.Get("oauth_problem_advice")
	if advice == "" {
		advice = answer.Get("error_description")
	}
	err := &Error{Kind: Provider, App: a.Name, Code: mandate.Code(short(problem)), Description: short(advice)}
	switch {
	case answer.Get("denied") != "" || no(err.Code):
		err.Kind = Denied
	case problem == "":
		return nil
	}
	return err
}

// no reports whether a code is the user's no.
func no(code mandate.Code) bool {
	return code == oauth1.UserRefused || code == oauth1.PermissionDenied || code == mandate.AccessDenied
}

// ask asks for credentials.
func (a *oauth1App) ask(ctx context.Context, purpose string, signer *oauth1.Signer, method, to string, params mandate.Params, out oauth1.Outgoing) (oauth1.Issued, error) {
	fail := func(kind Kind, err error) *Error {
		return &Error{Kind: kind, App: a.Name, Cause: fmt.Errorf("%s endpoint: %w", purpose, err)}
	}
	out.Method, out.URL = method, to
	switch {
	case len(params) == 0:
	case method == http.MethodGet:
		out.URL = withQuery(to, params)
	default:
		out.ContentType, out.Body = formType, strings.TrimPrefix(withQuery("?", params), "?")
	}
	signed, err := signer.Sign(out)
	if err != nil {
		return oauth1.Issued{}, fail(Fault, err)
	}
	res, err := a.w.Fetcher.Fetch(ctx, &mandate.FetchRequest{
		Method: method, URL: signed.URL, Header: a.header(signed), Body: signed.Body, Purpose: purpose, Trust: mandate.Operator, MaxBytes: maxAnswer,
	})
	if err != nil {
		return oauth1.Issued{}, fail(Unreachable, err)
	}
	issued, err := oauth1.ParseIssued(res.Status, string(res.Body))
	if err == nil && res.Status/100 != 2 {
		err = fmt.Errorf("it answered %d", res.Status)
	}
	if err != nil {
		e := fail(Unreachable, err)
		e.Status, e.Body = res.Status, res.Body
		a.explain(e, res)
		return oauth1.Issued{}, e
	}
	return issued, nil
}

// explain says what a provider's refusal was.
func (a *oauth1App) explain(e *Error, res *mandate.Response) {
	said, ok := errors.AsType[*oauth1.Error](e.Cause)
	if !ok {
		return
	}
	coded := said.Code != mandate.ServerError // what ParseIssued says where the provider says nothing
	if coded {
		e.Code = said.Code
	}
	e.Description, e.Cause = short(said.Description), nil
	if m, ok := members(res, ""); ok && !coded { // those who left RFC 5849
		if own := refusal(res, m); own != nil {
			e.Code, e.Description = own.Code, cmp.Or(e.Description, own.Description)
		}
	}
	switch {
	case no(said.Code):
		e.Kind = Denied
	case said.Code == oauth1.TokenExpired:
		e.Kind = Expired
	case coded || e.Status != http.StatusTooManyRequests && e.Status < 500:
		e.Kind = Provider
	}
}

// header returns the header of a signed request.
func (a *oauth1App) header(s oauth1.Signed) mandate.Fields {
	header := slices.Clone(a.Header)
	for _, f := range [...]mandate.Field{{Name: "Authorization", Value: s.Authorization}, {Name: "Content-Type", Value: s.ContentType}} {
		if f.Value != "" {
			header = append(header, f)
		}
	}
	return header
}

// asks is how the profile of who holds tok is asked for.
func (a *oauth1App) asks(tok *OAuth1Token) asks {
	signer := a.calls.With(tok.Token, tok.Secret)
	return asks{app: a.Name, base: a.APIURL, kind: a.APIContentType, allowed: append(slices.Clip(a.APIAllowed), a.ProfileURL), fetcher: a.w.Fetcher, prove: func(r *http.Request, body string) error {
		if a.BeforeCall != nil {
			if err := a.BeforeCall(r); err != nil {
				return err
			}
		}
		signed, err := signer.Sign(oauth1.Outgoing{Method: r.Method, URL: r.URL.String(), ContentType: r.Header.Get("Content-Type"), Body: body})
		if err != nil {
			return err
		}
		if r.URL, err = url.Parse(signed.URL); err != nil {
			return err
		}
		for _, f := range a.header(signed) {
			r.Header.Set(f.Name, f.Value)
		}
		return nil
	}}
}

// profile returns who granted it.
func (a *oauth1App) profile(ctx context.Context, g *Granted) (Profile, error) {
	return g.profile(ctx, a.ProfileURL, a.Profile)
}
