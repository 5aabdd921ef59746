package oauth1

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// SignerConfig says who signs, and how. ConsumerKey is required, and the keys that Method needs; everything else
// may be zero.
type SignerConfig struct {
	ConsumerKey string
	Keys        Keys      // the consumer secret, the token secret, or the private key for an RSA method
	Token       string    // a temporary credential or an access token; "" for requests of the client alone
	Method      Method    // nil: HMACSHA1, which every server knows
	Placement   Placement // default: the Authorization header
	Realm       string    // of the Authorization header; "" for none

	// BodyHash sends oauth_body_hash with every request that is no form, so that its body is signed as well. Not every server
	// knows it.
	BodyHash bool

	OmitVersion bool // leaves oauth_version out, which a request may (RFC 5849, section 3.1)

	// InsecurePlaintext lets PLAINTEXT, which sends the secrets themselves, go over http to other machines.
	InsecurePlaintext bool

	Nonce func() string    // default: 26 random letters and digits. It must not repeat itself within one second
	Now   func() time.Time // default: time.Now
}

// Signer signs the requests of one client. It may be used by any number of goroutines.
type Signer struct {
	c SignerConfig
}

// NewSigner returns a signer, or an error that names the field that is wrong.
func NewSigner(c SignerConfig) (*Signer, error) {
	if c.Method == nil {
		c.Method = HMACSHA1
	}
	if c.Nonce == nil {
		c.Nonce = rand.Text
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	switch c.Placement {
	case InHeader, InBody, InQuery:
	default:
		return nil, fmt.Errorf("oauth1: SignerConfig.Placement %q is none of InHeader, InBody and InQuery", string(c.Placement))
	}
	if c.ConsumerKey == "" {
		return nil, errors.New("oauth1: SignerConfig.ConsumerKey is empty: it is what the server calls the client")
	}
	if strings.ContainsFunc(c.Realm, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil, fmt.Errorf("oauth1: SignerConfig.Realm %q has a control character", c.Realm)
	}
	if _, err := c.Method.Sign("", &c.Keys); err != nil {
		return nil, fmt.Errorf("oauth1: SignerConfig.Keys do not fit Method %s: %w", c.Method.Name(), err)
	}
	return &Signer{c}, nil
}

// With returns a signer for the same client and another token, with its secret.
func (s *Signer) With(token, secret string) *Signer {
	c := s.c
	c.Token, c.Keys.TokenSecret = token, secret
	return &Signer{c}
}

// NeedsBody reports whether the body of a request with such a Content-Type is a part of what is signed: if not, Sign need not see it.
func (s *Signer) NeedsBody(contentType string) bool {
	return s.c.BodyHash || s.c.Placement == InBody || isForm(contentType)
}

// Outgoing is a request to be signed. The zero value of each field but Method and URL is fine.
type Outgoing struct {
	Method      string // like POST
	URL         string // absolute, percent-encoded as it will be sent
	ContentType string
	Body        string // if Signer.NeedsBody

	Callback string         // oauth_callback, for temporary credentials: a URL or "oob"
	Verifier string         // oauth_verifier, for token credentials
	Extra    mandate.Params // more protocol parameters, like oauth_session_handle
}

// Signed is what to send of a signed request. What the placement does not touch is as it was.
type Signed struct {
	Authorization string // the header field, or "" if the parameters stand elsewhere
	URL           string
	ContentType   string
	Body          string
}

// Sign signs a request (RFC 5849, section 3). An error is about a URL that is not absolute, a placement that the request has no room for, or
// a request that has protocol parameters of its own.
func (s *Signer) Sign(r Outgoing) (Signed, error) {
	u, err := splitURL(r.URL)
	if err != nil {
		return Signed{}, err
	}
	if err := s.check(&r, &u); err != nil {
		return Signed{}, err
	}
	form := isForm(r.ContentType) || s.c.Placement == InBody
	body := ""
	if form {
		body = r.Body
	}

	var digits [20]byte
	all := params{list: make(mandate.Params, 0, 9+len(r.Extra)+pairs(u.query)+pairs(body))}
	stamp := string(strconv.AppendInt(digits[:0], s.c.Now().Unix(), 10))
	all.list = append(all.list,
		mandate.Field{Name: "oauth_consumer_key", Value: s.c.ConsumerKey},
		mandate.Field{Name: "oauth_signature_method", Value: s.c.Method.Name()},
		mandate.Field{Name: "oauth_timestamp", Value: stamp},
		mandate.Field{Name: "oauth_nonce", Value: s.c.Nonce()})
	if !s.c.OmitVersion {
		all.list = append(all.list, mandate.Field{Name: "oauth_version", Value: "1.0"})
	}
	for _, p := range [...]mandate.Field{
		{Name: "oauth_token", Value: s.c.Token},
		{Name: "oauth_callback", Value: r.Callback},
		{Name: "oauth_verifier", Value: r.Verifier},
	} {
		if p.Value != "" {
			all.list = append(all.list, p)
		}
	}
	if s.c.BodyHash && !form {
		all.list = append(all.list, mandate.Field{Name: "oauth_body_hash", Value: BodyHash(s.c.Method, r.Body)})
	}
	all.list = append(all.list, r.Extra...)
	own := len(all.list)
	if err := errors.Join(all.addForm(u.query, "query"), all.addForm(body, "form")); err != nil {
		return Signed{}, fmt.Errorf("oauth1: sign: %w", err)
	}
	for i := own; i < len(all.list); i++ {
		if protocol(all.list[i].Name) {
			return Signed{}, fmt.Errorf("oauth1: the request has a parameter %q of its own, and would be refused: take it out, or hand it over in Outgoing",
				all.list[i].Name)
		}
	}

	base := text(u.appendBase(nil, r.Method, all.list))
	signature, err := s.c.Method.Sign(base, &s.c.Keys)
	if err != nil {
		return Signed{}, fmt.Errorf("oauth1: sign: %w", err)
	}
	return s.put(&r, all.list[:own], signature), nil
}

// check refuses what cannot be signed, and what would give the secrets away.
func (s *Signer) check(r *Outgoing, u *address) error {
	if r.Method == "" {
		return errors.New("oauth1: Outgoing.Method is empty")
	}
	if s.c.Placement == InBody {
		if r.Method == "GET" || r.Method == "HEAD" || r.ContentType != "" && !isForm(r.ContentType) {
			return fmt.Errorf("oauth1: the parameters cannot stand in the body of a %s request with Content-Type %q: use InHeader", r.Method, r.ContentType)
		}
	}
	if s.c.Method.Name() == string(Plaintext) && !s.c.InsecurePlaintext && !strings.EqualFold(u.scheme, "https") && !loopback(u.host) {
		return fmt.Errorf("oauth1: PLAINTEXT would send the secrets to %s in the clear: use https, or another method", u.host)
	}
	return nil
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback()
}

// put puts the protocol parameters where they belong.
func (s *Signer) put(r *Outgoing, own mandate.Params, signature string) Signed {
	out := Signed{URL: r.URL, ContentType: r.ContentType, Body: r.Body}
	size := len(s.c.Realm) + 2*len(signature) + 40
	for i := range own {
		size += len(own[i].Name) + len(own[i].Value) + 5
	}
	switch s.c.Placement {
	case InBody:
		body := append(make([]byte, 0, len(r.Body)+size), r.Body...)
		out.Body = text(appendPairs(body, own, signature, len(r.Body) > 0))
		if out.ContentType == "" {
			out.ContentType = formType
		}
	case InQuery:
		before, fragment, _ := strings.Cut(r.URL, "#")
		url := append(make([]byte, 0, len(before)+size), before...)
		query := strings.IndexByte(before, '?')
		if query < 0 {
			url = append(url, '?')
		}
		url = appendPairs(url, own, signature, query >= 0 && query < len(before)-1)
		if fragment != "" {
			url = append(append(url, '#'), fragment...)
		}
		out.URL = text(url)
	default:
		header := append(make([]byte, 0, size), "OAuth "...)
		if s.c.Realm != "" {
			header = append(header, `realm="`...)
			for i := range len(s.c.Realm) {
				if c := s.c.Realm[i]; c == '"' || c == '\\' {
					header = append(header, '\\', c)
				} else {
					header = append(header, c)
				}
			}
			header = append(header, `", `...)
		}
		for i := range own {
			header = append(appendEscaped(header, own[i].Name), `="`...)
			header = append(appendEscaped(header, own[i].Value), `", `...)
		}
		header = append(header, `oauth_signature="`...)
		header = append(appendEscaped(header, signature), '"')
		out.Authorization = text(header)
	}
	return out
}

// appendPairs appends the protocol parameters as a part of a form. More says that something stands before.
func appendPairs(dst []byte, own mandate.Params, signature string, more bool) []byte {
	for i := range own {
		if more {
			dst = append(dst, '&')
		}
		more = true
		dst = append(appendEscaped(dst, own[i].Name), '=')
		dst = appendEscaped(dst, own[i].Value)
	}
	return appendEscaped(append(dst, "&oauth_signature="...), signature)
}
