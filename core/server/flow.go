package server

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

const (
	flowTTL     = 30 * time.Minute // how long a pending request can be decided
	ticketTTL   = 15 * time.Minute // how long one that is too large for a URL is kept
	maxInURL    = 1536             // of a handle in a URL, in bytes: proxies refuse long ones
	fieldHandle = "handle"
	fieldCSRF   = "csrf"
	fieldAction = "action"
)

// flow is a pending authorization request. It travels in the browser, sealed: the server keeps nothing until somebody decides.
// It names the browser that it was begun in, and, once a page was shown, to whom.
type flow struct {
	ID      [16]byte           `json:"i"`
	Key     mandate.ShortKeyID `json:"k"` // of the MAC that grant id and handle are made with
	Begun   int64              `json:"b"` // Unix milliseconds
	Browser []byte             `json:"w"` // of the binding cookie; none: not bound yet
	Client  string             `json:"c"`
	Shown   string             `json:"u,omitempty"` // the subject that a page was shown to
	Session string             `json:"s,omitempty"` // and its session
	Chosen  string             `json:"h,omitempty"` // the subject that was chosen of several
	Account bool               `json:"a,omitempty"` // of a browser at the page of connected applications, where no client asks
	Device  *deviceFlow        `json:"d,omitempty"` // of a browser at the page of the device grant, which asks for no more than a code

	OAuth1 string `json:"1,omitempty"` // the temporary credentials that it is about, where it is OAuth 1.0a

	Pushed   []byte `json:"p,omitempty"` // the key of the pushed request that it began with
	PushedAt int64  `json:"q,omitempty"` // when that was read, in time; Unix milliseconds

	Object      []byte `json:"o,omitempty"` // the key of the jti of the request object that it began with
	ObjectUntil int64  `json:"t,omitempty"` // how long that is remembered; Unix milliseconds

	spare handle // as random as ID
}

// luggage is what is sealed: a flow and what it asks for.
type luggage struct {
	flow
	Request *AuthorizationRequest `json:"r,omitempty"`
	Kept    string                `json:"n,omitempty"` // the name of the ticket that keeps the request, where it is too large
}

func (s *Server) newFlow(now time.Time) (f flow) {
	s.beginFlow(&f, now)
	return f
}

// beginFlow makes f, which is empty, a new flow.
func (s *Server) beginFlow(f *flow, now time.Time) {
	f.Key, f.Begun = s.flows.Current(now), now.UnixMilli()
	var random [len(f.ID) + len(f.spare)]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	copy(f.ID[:], random[:])
	copy(f.spare[:], random[len(f.ID):])
}

// begun returns when the flow began.
func (f *flow) begun() time.Time { return time.UnixMilli(f.Begun).UTC() }

// newNames is names for a flow that nobody was told of: it cannot be decided again.
func (f *flow) newNames() (id string, h handle) {
	return base64.RawURLEncoding.EncodeToString(f.ID[:]), f.spare
}

// names returns the public id of the grant that the flow ends in, and the handle of its code: a repeated decision finds
// the same grant.
func (s *Server) names(f *flow, now time.Time) (id string, h handle, ok bool) {
	sum, ok := s.flows.Sum(f.Key, now, f.ID[:])
	copy(h[:], sum[16:])
	return base64.RawURLEncoding.EncodeToString(sum[:16]), h, ok
}

// csrf returns the token that a form of this flow must bring back, in this browser; "" where its key is gone.
func (s *Server) csrf(f *flow, now time.Time) string {
	sum, ok := s.flows.Sum(f.Key, now, append(append([]byte("csrf"), f.ID[:]...), f.Browser...))
	if !ok {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// seal returns the handle of f, which asks for q: both, sealed, or where that is too long for a URL f and the name of a ticket that
// keeps q. The name is made of what is kept, so that the same request, however often it is begun anew, is one row.
func (s *Server) seal(ctx context.Context, f *flow, q *AuthorizationRequest, now time.Time) (string, error) {
	handle, err := s.pack(luggage{flow: *f, Request: q}, now)
	if err != nil || len(handle) <= maxInURL {
		return handle, err
	}
	data, err := json.Marshal(q)
	if err != nil {
		return "", fault("encode pending request", err)
	}
	window := now.Truncate(ticketTTL / 3)
	sum, ok := s.flows.Sum(s.flows.Current(now), now, append([]byte("request"+f.Client+window.String()), data...))
	if !ok {
		return "", errors.New("the current key is gone")
	}
	name := base64.RawURLEncoding.EncodeToString(sum[:])
	err = s.store.PutTicket(ctx, store.Ticket{
		Kind: store.Interaction, Key: mandate.DigestOf(name), ClientID: f.Client, Created: now, Expires: now.Add(ticketTTL),
		Data: base64.RawURLEncoding.EncodeToString(s.pending.Seal(data, []byte(name), now)),
	})
	if err != nil && !errors.Is(err, store.ErrExists) {
		return "", fault("keep pending request", err)
	}
	return s.pack(luggage{flow: *f, Kept: name}, now)
}

func (s *Server) pack(l luggage, now time.Time) (string, error) {
	plain, err := json.Marshal(l)
	if err != nil {
		return "", fault("encode pending request", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.pending.Seal(plain, nil, now)), nil
}

// errHandle means that a handle is no pending request of this server, or of long ago.
var errHandle = errors.New("pending request is unreadable")

// open returns the flow whose handle is text, and what it asks for. It may be over: that is the caller's to see.
func (s *Server) open(ctx context.Context, text string, now time.Time) (f flow, q AuthorizationRequest, err error) {
	if text == "" || len(text) > 2*maxInURL {
		return f, q, errHandle
	}
	in := luggage{Request: &q}
	if err := s.unpack(text, nil, now, &in); err != nil {
		return f, q, err
	}
	if in.Kept == "" {
		return in.flow, q, nil
	}
	t, err := s.store.Ticket(ctx, store.Interaction, mandate.DigestOf(in.Kept), now)
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrExpired), errors.Is(err, store.ErrUsed):
		return f, q, errHandle
	case err != nil:
		return f, q, fault("read pending request", err)
	}
	return in.flow, q, s.unpack(t.Data, []byte(in.Kept), now, &q)
}

// unpack opens what was sealed under data, and reads it. What cannot be opened is errHandle.
func (s *Server) unpack(sealed string, data []byte, now time.Time, into any) error {
	raw, err := strictURL.DecodeString(sealed)
	if err != nil {
		return errHandle
	}
	plain, err := s.pending.Open(raw, data, now)
	if err != nil || json.Unmarshal(plain, into) != nil {
		return errHandle
	}
	return nil
}

// browserOf returns what a flow keeps of a binding cookie.
func browserOf(cookie string) []byte {
	if cookie == "" {
		return nil
	}
	d := mandate.DigestOf(cookie)
	return d[:16]
}

// boundTo reports whether the flow was begun in the browser that has cookie.
func (f *flow) boundTo(cookie string) bool {
	return cookie != "" && subtle.ConstantTimeCompare(f.Browser, browserOf(cookie)) == 1
}
