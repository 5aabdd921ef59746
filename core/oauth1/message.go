package oauth1

import (
	"cmp"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"unicode/utf8"

	mandate "github.com/go-mandate/mandate/core"
)

// Placement is where the protocol parameters of a request stand (RFC 5849, section 3.5).
type Placement string

// The placements. The zero value of the type is InHeader.
const (
	InHeader Placement = ""      // the Authorization header: section 3.5.1
	InBody   Placement = "body"  // a form body: section 3.5.2
	InQuery  Placement = "query" // the query of the URL: section 3.5.3
)

// Message is a request that says something in OAuth 1: its protocol parameters, decoded, as the client sent them. Nothing
// about it is proven until [Message.Verify] returned nil. It belongs to one goroutine, and may outlive its request.
type Message struct {
	ConsumerKey     string
	Token           string // "" for a request that speaks for the client alone
	SignatureMethod string
	Signature       string
	Timestamp       int64 // in seconds since 1970; 0 only with PLAINTEXT, which needs none
	Nonce           string
	Callback        string // of a request for temporary credentials; "oob" for none
	Verifier        string // of a request for token credentials
	BodyHash        string // oauth_body_hash, or ""
	Realm           string // of the Authorization header; not a part of what is signed
	Placement       Placement

	method       string
	origin, path string
	params       mandate.Params
	body         string
	oversized    bool
	loose        bool
}

// Parse reads the protocol parameters of a request (RFC 5849, sections 3.1 and 3.5). Origin, like "https://api.example.com",
// stands before the path of a request that has no origin of its own, which is how a guard sees it. A request without any is
// [ErrNoCredentials]. Any other error is an [*Error]: [ParameterAbsent] names all that is missing, [ParameterRejected] is about
// what comes twice, in two places or malformed, [VersionRejected] about a version that is not 1.0.
func Parse(r *mandate.Request, origin string) (*Message, error) {
	origin = cmp.Or(r.Origin, origin)
	if strings.IndexByte(r.Path, '?') >= 0 || strings.IndexByte(origin, '?') >= 0 {
		// What follows would be no parameter to whoever looks for one, and of what is signed it would be no part.
		return nil, rejected("", "the query of the request stands in its path or origin, not in RawQuery")
	}
	header, found, err := authorization(r.Header)
	if err != nil {
		return nil, err
	}
	query := r.RawQuery
	body, kind := "", noForm
	if r.Header != nil && (r.Body != "" || r.Oversized) {
		kind = formOf(r.Header.Get("Content-Type"))
	}
	if kind == form {
		body = r.Body
	}
	if !found && !mentions(query) && !mentions(body) {
		return nil, ErrNoCredentials
	}
	switch {
	case kind == form && r.Oversized:
		return nil, rejected("", "the form is too large to be verified, or something before read it")
	case kind == likeForm:
		// It would not be a part of what is signed, and a framework that looks at the first letters alone would hand it to the handler.
		return nil, rejected("", "the Content-Type is almost that of a form: it must be %s", formType)
	}
	if strings.IndexByte(r.Path, '#') >= 0 || strings.IndexByte(query, '#') >= 0 || strings.IndexByte(origin, '#') >= 0 {
		// It would not be a part of what is signed, and of what is routed it would.
		return nil, rejected("", "the request target has a fragment")
	}

	m := &Message{method: r.Method, origin: origin, path: r.Path, body: r.Body, oversized: r.Oversized, loose: kind == multipart}
	p := newParams(header, query, body)
	if found {
		if m.Realm, err = p.addHeader(header); err != nil {
			return nil, err
		}
	}
	headers := len(p.list)
	if err := p.addForm(query, "query"); err != nil {
		return nil, err
	}
	queries := len(p.list)
	if err := p.addForm(body, "form"); err != nil {
		return nil, err
	}
	m.params = p.list

	in, err := m.place(found, headers, queries)
	if err != nil {
		return nil, err
	}
	if err := m.read(in); err != nil {
		return nil, err
	}
	if kind == form && m.BodyHash != "" {
		return nil, rejected("oauth_body_hash", "a form is signed as it is, and has no oauth_body_hash")
	}
	return m, nil
}

// authorization returns the parameters of the Authorization field whose scheme is OAuth, if there is one.
func authorization(h mandate.Header) (value string, found bool, err error) {
	if h == nil {
		return "", false, nil
	}
	for _, field := range h.Values("Authorization") {
		rest, ok := credentials(field)
		switch {
		case !ok:
		case found:
			return "", false, rejected("", "two Authorization headers of the scheme OAuth")
		case len(rest) > maxHeader:
			return "", false, rejected("", "the Authorization header is over %d bytes", maxHeader)
		default:
			value, found = rest, true
		}
	}
	return value, found, nil
}

// mentions reports whether a form may have a protocol parameter: it is sure only if it says no.
func mentions(s string) bool {
	if s == "" {
		return false
	}
	if strings.Contains(s, "oauth_") {
		return true
	}
	if strings.IndexByte(s, '%') < 0 {
		return false
	}
	for pair := range strings.SplitSeq(s, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if name, ok := Unescape(name); ok && protocol(name) {
			return true
		}
	}
	return false
}

// protocol reports whether a name is that of a protocol parameter.
func protocol(name string) bool { return strings.HasPrefix(name, "oauth_") }

// place finds out where the protocol parameters stand, and returns those of that place. They stand in one (RFC 5849, section 3.5).
func (m *Message) place(found bool, headers, queries int) (mandate.Params, error) {
	var in mandate.Params
	places := 0
	for _, p := range [...]struct {
		placement Placement
		from      mandate.Params
		is        bool
	}{
		{InHeader, m.params[:headers], found},
		{InQuery, m.params[headers:queries], false},
		{InBody, m.params[queries:], false},
	} {
		is := p.is
		for i := range p.from {
			is = is || protocol(p.from[i].Name)
		}
		if is {
			places++
			in, m.Placement = p.from, p.placement
		}
	}
	switch places {
	case 0:
		return nil, ErrNoCredentials
	case 1:
		return in, nil
	}
	return nil, rejected("", "protocol parameters stand in more than one place: use one of header, form body and query")
}

// read takes the protocol parameters into their fields.
func (m *Message) read(in mandate.Params) error {
	stamp, count := "", 0
	for i := range in {
		name, value := in[i].Name, in[i].Value
		if !protocol(name) {
			continue
		}
		if count++; count > maxProtocol {
			return rejected("", "more than %d protocol parameters", maxProtocol)
		}
		for j := range i {
			if in[j].Name == name {
				return rejected(name, "a protocol parameter stands in the request twice")
			}
		}
		if !utf8.ValidString(value) || strings.IndexByte(value, 0) >= 0 {
			return rejected(name, "a protocol parameter is not UTF-8")
		}
		switch name {
		case "oauth_consumer_key":
			m.ConsumerKey = value
		case "oauth_token":
			m.Token = value
		case "oauth_signature_method":
			m.SignatureMethod = value
		case "oauth_signature":
			m.Signature = value
		case "oauth_timestamp":
			stamp = value
		case "oauth_nonce":
			m.Nonce = value
		case "oauth_version":
			if value != "1.0" {
				return Errorf(VersionRejected, nil, "oauth_version must be 1.0")
			}
		case "oauth_callback":
			m.Callback = value
		case "oauth_verifier":
			m.Verifier = value
		case "oauth_body_hash":
			m.BodyHash = value
		}
	}
	if err := m.absent(stamp); err != nil || stamp == "" {
		return err
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || seconds <= 0 || stamp[0] == '+' || stamp[0] == '0' {
		return rejected("oauth_timestamp", "oauth_timestamp is not a number of seconds since 1970")
	}
	m.Timestamp = seconds
	return nil
}

// absent returns the error about the parameters that every request has and this has not. Only PLAINTEXT needs no timestamp and no nonce.
func (m *Message) absent(stamp string) error {
	signed := m.SignatureMethod != string(Plaintext)
	var names []string
	for _, p := range [...]struct {
		name  string
		there bool
	}{
		{"oauth_consumer_key", m.ConsumerKey != ""},
		{"oauth_signature_method", m.SignatureMethod != ""},
		{"oauth_signature", m.Signature != ""},
		{"oauth_timestamp", stamp != "" || !signed},
		{"oauth_nonce", m.Nonce != "" || !signed},
	} {
		if !p.there {
			names = append(names, p.name)
		}
	}
	if names == nil {
		return nil
	}
	e := Errorf(ParameterAbsent, nil, "the request has no %s", strings.Join(names, ", "))
	e.Parameters = names
	return e
}

// Params returns all parameters of the request in their order, decoded: those of the Authorization header but realm, of the query, and of a
// form body. One without a value is among them. The caller does not change them.
func (m *Message) Params() mandate.Params { return m.params }

// BaseString returns what the signature is over (RFC 5849, section 3.4.1): what to show to somebody whose signature is refused.
// It has no key and no signature in it, but every parameter of the request.
func (m *Message) BaseString() (string, error) {
	base, err := m.appendBase(nil)
	return text(base), err
}

func (m *Message) appendBase(dst []byte) ([]byte, error) {
	var room [256]byte
	if m.path != "" && m.path[0] != '/' {
		return nil, errors.New("oauth1: the path of the request does not begin with a slash") // it would go on with the host
	}
	u, err := splitURL(text(append(append(room[:0], m.origin...), m.path...)))
	if err != nil {
		return nil, err
	}
	return u.appendBase(dst, m.method, m.params), nil
}

// LooseForm reports whether the body is a multipart form that nothing covers: the signature is over the other forms alone, and there is no
// oauth_body_hash. Whoever holds such a signed request may put anything into that form, so that a handler must not believe it more than the sender.
func (m *Message) LooseForm() bool { return m.loose && m.BodyHash == "" }

// Verify returns nil if the request is signed with k by method, which must be the one that it names. A wrong signature, or a body that is
// not the one of oauth_body_hash, is [SignatureInvalid]; another method, or keys that it cannot use, [SignatureMethodRejected].
// Timestamp and nonce are the caller's to check, after.
func (m *Message) Verify(method Method, k *Keys) error {
	if m.SignatureMethod != method.Name() {
		return Errorf(SignatureMethodRejected, nil, "the signature method is not %s", method.Name())
	}
	var room [1024]byte
	base, err := m.appendBase(room[:0])
	if err != nil {
		return Errorf(SignatureInvalid, err, "the signature cannot be verified")
	}
	switch err := verify(method, base, m.Signature, k); {
	case errors.Is(err, ErrSignature):
		return Errorf(SignatureInvalid, nil, "the signature is wrong")
	case err != nil:
		return Errorf(SignatureMethodRejected, err, "the client cannot use this signature method")
	}
	return m.checkBody()
}

// verify is method.Verify. What it is given may be on the caller's stack, for the methods of this package keep nothing.
func verify(method Method, base []byte, signature string, k *Keys) error {
	if s, ok := method.(Standard); ok {
		return s.Verify(text(base), signature, k)
	}
	var own *Keys
	if k != nil {
		given := *k
		own = &given
	}
	return method.Verify(string(base), signature, own)
}

// String shows who the message is from, and nothing that could be a secret.
func (m *Message) String() string {
	return "oauth1 " + m.SignatureMethod + " of " + strconv.Quote(m.ConsumerKey)
}

// GoString is String: printing with %#v leaks nothing either.
func (m *Message) GoString() string { return m.String() }

// LogValue is String for package slog.
func (m *Message) LogValue() slog.Value { return slog.StringValue(m.String()) }
