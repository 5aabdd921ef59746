package resource

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/internal/issuer"
	"github.com/go-mandate/mandate/core/internal/kept"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
)

// introspector is an opened Introspection.
type introspector struct {
	Introspection

	answers  *answers
	metadata *kept.Value[oauth2.ServerMetadata] // nil: Endpoint is set
	read     *reader
	asking   atomic.Int64 // how many questions are on their way
}

// maxAsking bounds the questions on their way at once: who sends made-up tokens does not fill the memory with them.
const maxAsking = 512

var errBusy = errors.New("too many tokens are being introspected at once")

// verify implements Opened.Verify. All that ask about one token at once share an answer.
func (v *introspector) verify(ctx context.Context, raw string, now time.Time) (*mandate.Token, error) {
	key := mandate.DigestOf(raw)
	part := v.answers.part(key)
	if known, ok := part.look(key, now); ok {
		return known.tok, known.err
	}
	part.mu.Lock()
	if known, ok := part.find(key, now); ok { // it came in between
		part.mu.Unlock()
		return known.tok, known.err
	}
	q := part.asking[key]
	if q == nil || v.NeverRemember {
		if v.asking.Add(1) > maxAsking {
			v.asking.Add(-1)
			part.mu.Unlock()
			return nil, v.unanswered(errBusy)
		}
		q = &question{done: make(chan struct{})}
		part.asking[key] = q
		go v.ask(q, key, strings.Clone(raw), now) //nolint:contextcheck,gosec // a question outlives the request that asked it first, and is bounded by itself
	}
	part.mu.Unlock()
	select {
	case <-q.done:
		return q.tok, q.err
	case <-ctx.Done():
		return nil, v.unanswered(ctx.Err())
	}
}

// ask asks the server about raw: on its own, so that nobody who hangs up takes the answer from those who wait on, and with nothing of a
// request, whose context may be used again by the framework.
func (v *introspector) ask(q *question, key mandate.Digest, raw string, now time.Time) {
	defer v.asking.Add(-1)
	ctx, cancel := context.WithTimeout(context.Background(), v.Timeout)
	defer cancel()
	q.tok, q.err = v.try(ctx, raw, now)
	part := v.answers.part(key)
	part.mu.Lock()
	if part.asking[key] == q { // else it was forgotten in between
		delete(part.asking, key)
		if !v.NeverRemember {
			v.remember(part, key, q, now)
		}
	}
	part.mu.Unlock()
	close(q.done)
}

// remember keeps what counts for a while: that nobody could tell does not.
func (v *introspector) remember(part *answersPart, key mandate.Digest, q *question, now time.Time) {
	a := q.told
	a.from = now
	switch {
	case a.err == nil:
		a.until = now.Add(v.Remember)
		if end := a.tok.Expires(); !end.IsZero() && end.Before(a.until) {
			a.until = end
		}
		part.good.add(key, a)
		part.last.Store(&lastGood{a, key})
		delete(part.bad.known, key)
	case errors.Is(a.err, mandate.InvalidToken):
		a.until = now.Add(min(badFor, v.Remember))
		part.bad.add(key, a)
		part.last.Store(nil)
		delete(part.good.known, key)
	}
}

// forget implements Opened.Forget.
func (v *introspector) forget(key mandate.Digest) { v.answers.part(key).forget(key) }

// try is introspect, with a panic of a Fetcher as an error: there is no handler above that would catch it.
func (v *introspector) try(ctx context.Context, raw string, now time.Time) (tok *mandate.Token, err error) {
	defer func() {
		if p := recover(); p != nil {
			tok, err = nil, v.unanswered(fmt.Errorf("panic: %v", p))
		}
	}()
	body, err := v.introspect(ctx, raw, now)
	if err != nil {
		return nil, v.unanswered(err)
	}
	tok, err = v.read.token(body, now)
	if err != nil && !errors.Is(err, mandate.InvalidToken) {
		err = v.unanswered(err)
	}
	return tok, err
}

// unanswered hides the code of err, if it has one: that a server cannot be asked is nobody's verdict on a token.
func (v *introspector) unanswered(err error) error {
	return fmt.Errorf("%s: %s", v.Introspection, err.Error())
}

const (
	maxAnswer  = jose.MaxSize
	jwtAnswer  = "application/token-introspection+jwt"
	jsonAnswer = "application/json"
)

// introspect returns the JSON object that the server answers.
func (v *introspector) introspect(ctx context.Context, raw string, now time.Time) ([]byte, error) {
	r, err := v.request(ctx, raw, now)
	if err != nil {
		return nil, err
	}
	res, err := v.Fetcher.Fetch(ctx, r)
	switch {
	case err != nil:
		return nil, err
	case res == nil:
		return nil, errors.New("the Fetcher returned neither an answer nor an error")
	case res.Status == 401 || res.Status == 403:
		return nil, fmt.Errorf("%s answered %d: the server does not let this client introspect; compare ClientID, its secret or key, and Method (%s)", r.URL, res.Status, v.Method)
	case res.Status != 200:
		return nil, issuer.StatusError{URL: r.URL, Status: res.Status}
	case len(res.Body) > maxAnswer:
		return nil, fmt.Errorf("%s answered %d bytes, want at most %d", r.URL, len(res.Body), maxAnswer)
	}
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	signed := strings.EqualFold(strings.TrimSpace(kind), jwtAnswer)
	switch {
	case signed && v.Signed:
		return v.openJWT(ctx, string(res.Body), now)
	case v.Signed:
		return nil, fmt.Errorf("%s answered %.60q, want %s (RFC 9701): register introspection_signed_response_alg for this client", r.URL, kind, jwtAnswer)
	case signed:
		return nil, fmt.Errorf("%s answered a JWT: set Introspection.Signed", r.URL)
	}
	return res.Body, nil
}

// request returns the question about raw (RFC 7662, section 2.1).
func (v *introspector) request(ctx context.Context, raw string, now time.Time) (*mandate.FetchRequest, error) {
	at := v.Endpoint
	if v.metadata != nil {
		m, err := v.metadata.Get(ctx)
		if err != nil {
			return nil, err
		}
		at = m.IntrospectionEndpoint
	}
	accept := jsonAnswer
	if v.Signed {
		accept = jwtAnswer
	}
	r := &mandate.FetchRequest{
		Method: "POST", URL: at, Purpose: "introspection", Trust: mandate.Operator, MaxBytes: maxAnswer,
		Header: mandate.Fields{{Name: "Accept", Value: accept}, {Name: "Content-Type", Value: "application/x-www-form-urlencoded"}},
	}
	form := url.Values{"token": {raw}, "token_type_hint": {"access_token"}}
	if v.Authenticate != nil {
		r.Body = form.Encode()
		return r, v.Authenticate(ctx, r)
	}
	switch v.Method {
	case "client_secret_basic": // each half is encoded as in a form (RFC 6749, section 2.3.1)
		pair := url.QueryEscape(v.ClientID) + ":" + url.QueryEscape(v.Secret)
		r.Header = append(r.Header, mandate.Field{Name: "Authorization", Value: "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))})
	case "client_secret_post":
		form.Set("client_id", v.ClientID)
		form.Set("client_secret", v.Secret)
	case "client_secret_jwt", "private_key_jwt":
		assertion, err := v.assertion(now)
		if err != nil {
			return nil, fmt.Errorf("sign the client's assertion: %w", err)
		}
		form.Set("client_id", v.ClientID)
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	default: // a certificate (RFC 8705, section 2)
		form.Set("client_id", v.ClientID)
	}
	r.Body = form.Encode()
	return r, nil
}

// assertion returns what proves who this client is (RFC 7523, section 2.2).
func (v *introspector) assertion(now time.Time) (string, error) {
	claims := jose.Claims{
		Issuer: v.ClientID, Subject: v.ClientID, Audience: []string{v.AssertionAudience}, ID: rand.Text(),
		IssuedAt: now, Expires: now.Add(time.Minute),
	}
	if v.Method == "client_secret_jwt" {
		return jose.SignHMAC(jose.HS256, []byte(v.Secret), "", claims)
	}
	return jose.Sign(v.Key, "", claims)
}

// openJWT returns the answer that the server signed for this client (RFC 9701, section 5).
func (v *introspector) openJWT(ctx context.Context, raw string, now time.Time) ([]byte, error) {
	raw = strings.TrimSpace(raw)
	set, err := v.Keys.KeySet(ctx, nil)
	if err != nil {
		return nil, unanswered(v.Issuer, err)
	}
	head, payload, err := jose.Verify(raw, set, v.Algs)
	if errors.Is(err, jose.ErrNoKey) { // signed with a key that is not known yet
		if set, err = v.Keys.KeySet(ctx, set); err != nil {
			return nil, unanswered(v.Issuer, err)
		}
		head, payload, err = jose.Verify(raw, set, v.Algs)
	}
	if err != nil {
		return nil, fmt.Errorf("signed answer: %w", err)
	}
	if !head.Is("token-introspection+jwt") {
		return nil, fmt.Errorf("signed answer: typ is %.40q, want token-introspection+jwt", head.Type)
	}
	members, err := jose.ParseMembers(payload, nil)
	if err != nil {
		return nil, fmt.Errorf("signed answer: %w", err)
	}
	claims, rest, err := members.Claims()
	if err != nil {
		return nil, fmt.Errorf("signed answer: %w", err)
	}
	answer, ok := rest.Find("token_introspection")
	const drift = time.Minute
	switch {
	case claims.Issuer != v.Issuer:
		return nil, fmt.Errorf("signed answer: iss is %.200q, want %q", claims.Issuer, v.Issuer)
	case !claims.For(v.ClientID):
		return nil, fmt.Errorf("signed answer: aud is %.200q, want %q", claims.Audience, v.ClientID)
	case claims.IssuedAt.Before(now.Add(-drift)) || claims.IssuedAt.After(now.Add(drift)): // an answer of another time
		return nil, fmt.Errorf("signed answer: iat is %s, it is %s", claims.IssuedAt.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	case claims.Subject != "" || !claims.Expires.IsZero(): // it could pass for a token
		return nil, errors.New("signed answer: has sub or exp of its own (RFC 9701, section 5)")
	case !ok:
		return nil, errors.New("signed answer: token_introspection is missing")
	}
	return []byte(answer), nil
}
