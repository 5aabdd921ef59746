package client

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
)

// OAuth1 is an app of OAuth 1.0a (RFC 5849). Name, Credentials, RequestTokenURL, AuthURL and TokenURL are required. Logins, cookies and errors are those
// of the other apps; what a sign-in has is [SignIn.OAuth1]. Printing one shows its name and consumer key alone.
//
// An answer belongs to the login, of this browser, that its oauth_token was asked for in: most providers compare callbacks to the byte, so that
// there is no room for a state. Programs to which no browser can come back ("oob") need none of this: they use package oauth1 and [OAuth1Transport].
type OAuth1 struct {
	Name string
	// Credentials are the consumer key and the consumer secret, which may be empty where there is a PrivateKey. Their Key and Method are for OAuth 2.
	Credentials Credentials
	// PrivateKey signs with the RSA methods: an *rsa.PrivateKey, or one that a KMS keeps. It must be safe for concurrent use.
	PrivateKey crypto.Signer

	// RequestTokenURL gives temporary credentials (RFC 5849, section 2.1), AuthURL asks the user, TokenURL gives token credentials.
	RequestTokenURL, AuthURL, TokenURL string
	// RequestTokenMethod and TokenMethod are how those two are asked: POST, or GET. Default: POST.
	RequestTokenMethod, TokenMethod string

	// Method is the signature method. Default: HMAC-SHA1, which every server knows, and RSA-SHA1 where there is a PrivateKey.
	Method oauth1.Method
	// Placement is where the protocol parameters stand. With InBody they do in requests for credentials alone, and in the header of calls. Default: the
	// Authorization header.
	Placement oauth1.Placement
	// Realm stands in the Authorization header of every request. Default: none.
	Realm string
	// BodyHash sends oauth_body_hash with calls that are no form.
	BodyHash bool
	// Header are fields of all requests besides. Some providers want a User-Agent.
	Header mandate.Fields

	// Scopes are asked for at each login, as the realm of the request for temporary credentials: oauthlib's servers and this project's
	// know them as realms. Default: the provider's own.
	Scopes []string
	// RequestParams, AuthParams and TokenParams are sent to RequestTokenURL, AuthURL and TokenURL besides.
	RequestParams, AuthParams, TokenParams mandate.Params
	// Callback is where the provider sends browsers back to: a path, which is resolved against Config.BaseURL, or a URL. Default: what MountLogin
	// registers, and for routes made by hand "/auth/<name>/callback".
	Callback string
	// CallbackState adds a parameter state to the callback, for providers that take a callback with any query and say of a user's no neither oauth_token nor
	// denied. It also tells a login that took too long from one of another browser.
	CallbackState bool

	// APIURL is what relative URLs of calls are resolved against.
	APIURL string
	// APIAllowed are more origins to which signed calls may go: "https://uploads.example.com".
	APIAllowed []string
	// APIContentType is taken for that of every answer of the API, whatever it says.
	APIContentType string
	// BeforeCall may change each call of the API right before it is signed.
	BeforeCall func(r *http.Request) error

	// ProfileURL has the user as a JSON object. Profile reads it, and may ask more: [Granted.JSON] signs. Default: the members that OpenID
	// Connect calls sub, name, preferred_username, email, email_verified, picture and locale. With neither there is no profile: a sign-in then
	// has credentials, and an empty Subject.
	ProfileURL string
	Profile    func(ctx context.Context, g *Granted) (Profile, error)
}

var (
	_ App      = OAuth1{}
	_ Matching = (*oauth1App)(nil)
	_ Calling  = (*oauth1App)(nil)
	_ Signing  = (*oauth1App)(nil)
)

// AppName implements [App].
func (o OAuth1) AppName() string { return o.Name }

// String shows name and consumer key.
func (o OAuth1) String() string { return "client.OAuth1(" + o.Name + ", " + o.Credentials.ID + ")" }

// GoString is String: printing with %#v leaks nothing either.
func (o OAuth1) GoString() string { return o.String() }

// Connect implements [App].
func (o OAuth1) Connect(w *Wiring) (Protocol, error) {
	faults := o.check()
	a := &oauth1App{OAuth1: o, w: w}
	if a.RequestTokenMethod == "" {
		a.RequestTokenMethod = http.MethodPost
	}
	if a.TokenMethod == "" {
		a.TokenMethod = http.MethodPost
	}
	if a.Method == nil {
		a.Method = oauth1.HMACSHA1
		if a.PrivateKey != nil {
			a.Method = oauth1.RSASHA1
		}
	}
	if o.Credentials.Secret == "" && o.PrivateKey == nil {
		faults = append(faults, errors.New("Credentials.Secret is empty, and there is no PrivateKey: one of them signs"))
	}
	if len(faults) == 0 {
		var err error
		if a.signer, err = a.newSigner(o.Realm); err != nil {
			faults = append(faults, err)
		} else if a.calls, err = a.newCallSigner(); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return a, nil
}

// check returns everything that is wrong with o, but for the keys.
func (o OAuth1) check() []error {
	credentials := o.Credentials
	credentials.noSecret = nil // a PrivateKey may sign instead: Connect looks at both
	faults := credentials.faults()
	if o.Credentials.Key != nil || o.Credentials.Method != "" {
		faults = append(faults, errors.New("Credentials.Key or Credentials.Method is set, which are for OAuth 2: set PrivateKey, or Method"))
	}
	for _, u := range []struct {
		field, value string
		required     bool
	}{
		{"RequestTokenURL", o.RequestTokenURL, true},
		{"AuthURL", o.AuthURL, true},
		{"TokenURL", o.TokenURL, true},
		{"APIURL", o.APIURL, false},
		{"ProfileURL", o.ProfileURL, false},
	} {
		if u.value == "" && !u.required || u.field == "ProfileURL" && !strings.Contains(u.value, "://") && o.APIURL != "" {
			continue
		}
		if err := checkURL(u.field, u.value); err != nil {
			faults = append(faults, err)
		}
	}
	for _, m := range []struct{ field, value string }{{"RequestTokenMethod", o.RequestTokenMethod}, {"TokenMethod", o.TokenMethod}} {
		switch {
		case m.value != "" && m.value != http.MethodGet && m.value != http.MethodPost:
			faults = append(faults, fmt.Errorf("%s is %q, want POST or GET", m.field, m.value))
		case m.value == http.MethodGet && o.Placement == oauth1.InBody:
			faults = append(faults, fmt.Errorf("%s is GET, which has no body, and Placement says that the parameters stand there", m.field))
		}
	}
	for _, p := range slices.Concat(o.RequestParams, o.AuthParams, o.TokenParams) {
		if reserved1(p.Name) {
			faults = append(faults, fmt.Errorf("RequestParams, AuthParams or TokenParams has %q, which belongs to the library", p.Name))
		}
	}
	for _, s := range o.Scopes {
		if s == "" || strings.ContainsAny(s, " \"\\") {
			faults = append(faults, fmt.Errorf("among the Scopes is %q, which is not one scope", s))
		}
	}
	if o.Callback == "oob" {
		faults = append(faults, errors.New(`Callback "oob" is for programs that no browser comes back to: they use oauth1.Signer, oauth1.ParseIssued and client.OAuth1Transport`))
	}
	return faults
}

// reserved1 reports whether a parameter is the protocol's.
func reserved1(name string) bool { return name == "" || strings.HasPrefix(name, "oauth_") }

// oauth1App is an OAuth1 that is connected.
type oauth1App struct {
	OAuth1

	w      *Wiring
	signer *oauth1.Signer // of requests for credentials
	calls  *oauth1.Signer // of everything else
}

// newSigner returns what signs requests for credentials.
func (a *oauth1App) newSigner(realm string) (*oauth1.Signer, error) {
	return oauth1.NewSigner(oauth1.SignerConfig{
		ConsumerKey: a.Credentials.ID, Keys: oauth1.Keys{ClientSecret: a.Credentials.Secret, Private: a.PrivateKey},
		Method: a.Method, Placement: a.Placement, Realm: realm, Now: a.w.Now,
	})
}

// newCallSigner returns what signs calls.
func (a *oauth1App) newCallSigner() (*oauth1.Signer, error) {
	placement := a.Placement
	if placement == oauth1.InBody {
		placement = oauth1.InHeader
	}
	return oauth1.NewSigner(oauth1.SignerConfig{
		ConsumerKey: a.Credentials.ID, Keys: oauth1.Keys{ClientSecret: a.Credentials.Secret, Private: a.PrivateKey},
		Method: a.Method, Placement: placement, Realm: a.Realm, BodyHash: a.BodyHash, Now: a.w.Now,
	})
}

// Callback implements [Protocol].
func (a *oauth1App) Callback() string { return a.OAuth1.Callback }

// CrossSite implements [Protocol].
func (a *oauth1App) CrossSite() bool { return false }

// Signer implements [Signing].
func (a *oauth1App) Signer() *oauth1.Signer { return a.calls }

// APIConfig implements [Calling].
func (a *oauth1App) APIConfig() APIConfig {
	header := http.Header{}
	for _, f := range a.Header {
		header.Add(f.Name, f.Value)
	}
	return APIConfig{App: a.Name, BaseURL: a.APIURL, Allowed: a.APIAllowed, Header: header, ContentType: a.APIContentType, Before: a.BeforeCall}
}
