package server

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/store"
)

const (
	replayOAuth1 = "oauth1"
	maxSigned    = 255      // of a consumer key in a log, and of a token in a URL
	maxBaseInLog = 2 << 10  // of a base string that a hook is told
	limitOAuth1  = 64 << 10 // of a request for credentials
	oauth1Type   = "OAuth"  // of mandate.Token.Type

	// oauth1Skew is how far the clocks of the machines of one server may be apart: a nonce is remembered longer by that than its timestamp is taken.
	oauth1Skew = 10 * time.Second
)

// signed is a request of which it is proven who signed it.
type signed struct {
	message *oauth1.Message
	client  *store.Client
	token   tokenCredential
}

// tokenCredential is what a request names as oauth_token.
type tokenCredential struct {
	owner  string // the client that it belongs to
	sealed string // its secret, under data
	data   string

	ticket *store.Ticket // of temporary credentials
	grant  *store.Grant  // of token credentials
}

// findToken reads what a request names as oauth_token. [store.ErrNotFound] is no fault.
type findToken func(ctx context.Context, token string) (tokenCredential, error)

// parseSigned reads what r says in OAuth 1.0a.
func parseSigned(r *mandate.Request, origin string) (*oauth1.Message, error) {
	m, err := oauth1.Parse(r, origin)
	if errors.Is(err, oauth1.ErrNoCredentials) {
		return nil, oauth1.Errorf(oauth1.ParameterAbsent, err, "the request is not signed: send the parameters of OAuth 1.0a")
	}
	return m, err
}

// verifySigned returns m, provided that its client and, where find is not nil, its token signed it (RFC 5849, section 3.2). Whoever or whatever is
// unknown is refused like a wrong signature, after as much work. Nothing is spent: [Server.useNonce] comes after all that can
// refuse.
func (s *Server) verifySigned(ctx context.Context, m *oauth1.Message, find findToken) (signed, error) {
	o := s.config.OAuth1
	method, now := o.method(m.SignatureMethod), s.now()
	switch {
	case method == nil:
		return signed{}, oauth1.Errorf(oauth1.SignatureMethodRejected, fmt.Errorf("method %q is none of %v", mandate.Printable(m.SignatureMethod), s.SignatureMethods()),
			"signature method is not one of %s", strings.Join(s.SignatureMethods(), ", "))
	case m.Timestamp != 0 && !o.inWindow(m.Timestamp, now):
		return signed{}, o.outOfWindow(m, now)
	case find != nil && m.Token == "":
		e := oauth1.Errorf(oauth1.ParameterAbsent, nil, "oauth_token is missing")
		e.Parameters = []string{"oauth_token"}
		return signed{}, e
	}
	v := signed{message: m}
	known, err := s.findSigner(ctx, &v, find)
	if err != nil {
		return signed{}, err
	}
	tokenSecret := ""
	if find != nil {
		secret, err := s.openToken(v.token, now)
		if err != nil {
			return signed{}, err
		}
		tokenSecret = secret
	}
	var wrong error
	var room [1]oauth1.Keys // most clients have one secret
	keys := s.appendKeys(room[:0], v.client, method, tokenSecret, now)
	for i := range keys {
		if wrong = m.Verify(method, &keys[i]); wrong == nil || !errors.Is(wrong, oauth1.SignatureInvalid) {
			break
		}
	}
	if wrong == nil && known {
		return v, nil
	}
	if wrong != nil && !errors.Is(wrong, oauth1.SignatureInvalid) && known {
		return signed{}, wrong
	}
	return signed{}, oauth1.Errorf(oauth1.SignatureInvalid, s.explainSigned(&v, known, wrong), "consumer key, token or signature is wrong")
}

// findSigner looks up who v claims to be of, and reports whether there is such a client with such a token. Where there is not, a stranger takes the place.
func (s *Server) findSigner(ctx context.Context, v *signed, find findToken) (known bool, err error) {
	m := v.message
	c, err := s.recorded(ctx, m.ConsumerKey) // who is known by a document cannot sign, and a stranger would have it fetched
	switch {
	case errors.Is(err, store.ErrNotFound):
		c = nil
	case err != nil:
		return false, unreadClient(err)
	case c.Disabled || !usesOAuth1(c):
		c = nil
	}
	known = c != nil
	if !known {
		c = s.nobody.client
	}
	v.client = c
	if find == nil {
		return known, nil
	}
	v.token, err = find(ctx, m.Token)
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return false, fault("read token", err)
	case err != nil || v.token.owner != c.ID:
		v.token, known = tokenCredential{sealed: s.nobody.sealed, data: s.nobody.data}, false
	}
	return known, nil
}

// explainSigned says in the log why a signature was refused: with what it should have been over, which has no secret in it.
func (s *Server) explainSigned(v *signed, known bool, wrong error) error {
	base, err := v.message.BaseString()
	if err != nil {
		return err
	}
	if verifier := v.message.Verifier; verifier != "" {
		base = strings.ReplaceAll(base, oauth1.Escape(oauth1.Escape(verifier)), "(hidden)")
	}
	if len(base) > maxBaseInLog {
		base = base[:maxBaseInLog] + "..."
	}
	who := mandate.Printable(firstOf(v.message.ConsumerKey, maxSigned))
	switch {
	case v.client == s.nobody.client:
		return fmt.Errorf("client %q is unknown, disabled or not registered for %s; the base string is %s", who, GrantTypeOAuth1, base)
	case !known:
		return fmt.Errorf("client %q has no such token; the base string is %s", who, base)
	}
	return fmt.Errorf("client %q: %w; the base string is %s", who, wrong, base)
}

// inWindow reports whether a timestamp is near enough to now.
func (o *OAuth1) inWindow(timestamp int64, now time.Time) bool {
	away := timestamp - now.Unix()
	return away <= int64(o.Window/time.Second) && -away <= int64(o.Window/time.Second)
}

// outOfWindow is the refusal of a timestamp that is not near enough to now.
func (o *OAuth1) outOfWindow(m *oauth1.Message, now time.Time) error {
	return oauth1.Errorf(oauth1.TimestampRefused, fmt.Errorf("timestamp %d of client %q, the clock here says %d", m.Timestamp, mandate.Printable(firstOf(m.ConsumerKey, maxSigned)), now.Unix()),
		"oauth_timestamp is more than %d seconds from %d", int(o.Window/time.Second), now.Unix())
}

// useNonce lets a request that was verified count once (RFC 5849, section 3.3): its nonce is remembered as long as its timestamp would be taken.
func (s *Server) useNonce(ctx context.Context, v *signed) error {
	m := v.message
	if m.Timestamp == 0 { // PLAINTEXT, which has neither (section 3.1)
		return nil
	}
	now := s.now()
	if !s.config.OAuth1.inWindow(m.Timestamp, now) { // it took that long to get here, and its nonce may be forgotten
		return s.config.OAuth1.outOfWindow(m, now)
	}
	b := make([]byte, 0, 512)
	for _, part := range [...]string{s.config.Issuer, m.ConsumerKey, m.Token, m.Nonce} {
		b = append(binary.AppendUvarint(b, uint64(len(part))), part...)
	}
	b = binary.AppendVarint(b, m.Timestamp)
	until := time.Unix(m.Timestamp, 0).Add(s.config.OAuth1.Window + time.Second + oauth1Skew).UTC()
	err := s.store.UseOnce(ctx, replayOAuth1, mandate.DigestOf(textOf(b)), now, until)
	switch {
	case errors.Is(err, store.ErrUsed):
		return oauth1.Errorf(oauth1.NonceUsed, err, "oauth_nonce was used before")
	case err != nil:
		return fault("use nonce", err)
	}
	return nil
}

// sealedFor is what a token's secret is sealed with: the ID of its grant, or the key of its ticket.
func sealedFor(data string) []byte { return []byte("oauth1 " + data) }

// sealToken returns a token's secret as a store keeps it.
func (s *Server) sealToken(secret, data string) string {
	return base64.RawStdEncoding.EncodeToString(s.atRest.Seal([]byte(secret), sealedFor(data), s.now()))
}

// openToken is the reverse of sealToken.
func (s *Server) openToken(t tokenCredential, now time.Time) (string, error) {
	raw, err := base64.RawStdEncoding.Strict().DecodeString(t.sealed)
	if err == nil {
		raw, err = s.atRest.Open(raw, sealedFor(t.data), now)
	}
	if err != nil {
		return "", fault("open token secret", err)
	}
	return textOf(raw), nil
}

// findCredential is a findToken for token credentials.
func (s *Server) findCredential(ctx context.Context, token string) (tokenCredential, error) {
	g, err := s.store.GrantByKey(ctx, s.oauth1Key(token))
	if err == nil && (g.Generation == 0 || g.Details.Sealed == "") { // nobody has exchanged the verifier yet
		err = store.ErrNotFound
	}
	return tokenCredential{owner: g.ClientID, sealed: g.Details.Sealed, data: g.ID, grant: &g}, err
}

// VerifySigned returns what r, a request to a guarded API at origin ("https://api.example.com"), may do, provided that it is signed by a client and with a
// token of this server's, is recent, and did not come before (RFC 5849, section 3.2). It is what resource.OAuth1 asks. A request without
// oauth_token, of a client that has the grant type client_credentials as well, is the client's own: its Token has no Subject, and the client's default scopes.
//
// An error that is an *oauth1.Error blames r; any other means that nobody could tell. It sees revocation at once.
func (s *Server) VerifySigned(ctx context.Context, r *mandate.Request, origin string, now time.Time) (*mandate.Token, error) {
	if s.config.OAuth1 == nil {
		return nil, errors.New("server: Config.OAuth1 is nil, so that no request is signed")
	}
	m, err := parseSigned(r, origin)
	if err != nil {
		return nil, err
	}
	find := findToken(nil)
	if m.Token != "" {
		find = s.findCredential
	}
	v, err := s.verifySigned(ctx, m, find)
	if err != nil {
		return nil, err
	}
	if find == nil && m.LooseForm() {
		// Such a request is often posted by a browser: of an LTI launch, its user could sign in as anybody by putting the signed parameters into
		// the query and others into this form. Who has a token sends it itself.
		return nil, oauth1.Errorf(oauth1.ParameterRejected, nil, "the body is a multipart form, which the signature does not cover: send application/x-www-form-urlencoded, or oauth_body_hash")
	}
	info := mandate.TokenInfo{ClientID: v.client.ID, Type: oauth1Type}
	g := v.token.grant
	switch {
	case find == nil && !v.client.Metadata.Allows(grantClient):
		return nil, oauth1.Errorf(oauth1.ConsumerKeyRejected, fmt.Errorf("client %q sent no oauth_token and has not the grant type %s", v.client.ID, grantClient), "the client may not act for itself: oauth_token is missing")
	case find == nil:
		info.Scopes = v.client.Policy.Default.Only(s.allScopes)
	case !g.Revoked.IsZero():
		return nil, oauth1.Errorf(oauth1.TokenRevoked, store.ErrRevoked, "the token was revoked")
	case !g.AliveAt(now):
		return nil, oauth1.Errorf(oauth1.TokenExpired, store.ErrExpired, "the token has ended")
	default:
		d := &g.Details
		info.GrantID, info.Subject, info.Scopes, info.IssuedAt, info.AuthTime, info.ACR = g.ID, g.Subject, d.Scopes, g.Advanced, d.AuthTime, d.ACR
		info.Expires = g.Expires
	}
	if err := s.useNonce(ctx, &v); err != nil {
		return nil, err
	}
	return mandate.NewToken(info), nil
}
