package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/pages"
	"github.com/go-mandate/mandate/core/store"
)

// approve makes an approval true: one grant, created once, however often the decision is sent.
func (m mounted) approve(ctx context.Context, a *Ask, answer *Answer) *mandate.Response {
	user := &answer.user
	switch {
	case user.Subject == "" || !plainText(user.Subject):
		return m.refuseClient(ctx, a, fmt.Errorf("approval by a user whose Subject is %q: want UTF-8 without control characters", user.Subject))
	case user.Subject == a.Client.ID:
		return m.refuseClient(ctx, a, mandate.Errorf(mandate.AccessDenied, errors.New("the subject is the client's own id"), ""))
	case a.submitted && a.flow.Shown != "" && (a.flow.Shown != user.Subject || a.flow.Session != user.SessionID):
		return m.errorPage(ctx, a.request, mandate.Errorf(mandate.AccessDenied, nil, "somebody else signed in since the page was shown"),
			pages.Error{Reason: pages.OtherUser, Status: 403, RestartURL: m.pageURL(a.at(), a.handle)})
	case !a.Accepts(*user):
		return m.refuseClient(ctx, a, mandate.Errorf(mandate.LoginRequired, nil, "the sign-in is too old or not strong enough"))
	case a.Request.silent() && a.impersonable():
		return m.refuseClient(ctx, a, mandate.Errorf(mandate.ConsentRequired, nil, ""))
	}
	asked := a.Request.Details.Scopes
	scopes := asked
	if answer.some {
		if scopes = a.among(answer.scopes); scopes == "" && asked != "" {
			return m.refuseClient(ctx, a, mandate.Errorf(mandate.AccessDenied, nil, "the user allowed none of it"))
		}
	}
	now := m.now()
	id, h, ok := m.namesOf(a, now)
	if !ok {
		return m.errorPage(ctx, a.request, mandate.Errorf(mandate.InvalidRequest, nil, "the request is over"), pages.Error{Reason: pages.Expired, Status: 410})
	}
	var g store.Grant
	m.beginGrant(&g, a.Client, user.Subject, now)
	a.code = h
	g.ID, g.Key, g.SessionID, g.Expires = id, h.key(), user.SessionID, m.frontEnd(a, g.Expires, now)
	ends := g.Details.Ends
	g.Details = a.Request.Details
	if a.device != nil {
		g.Details.CodeEnds = later(a.device.data.ends(), now.Add(m.codeTTL(a.Client))) // it is polled for, so the last moment is too late
	}
	g.Details.Ends, g.Details.Scopes, g.Details.AuthTime, g.Details.ACR, g.Details.AMR = ends, scopes, user.AuthTime, user.ACR, user.amr()
	if a.oauth1 != nil && !m.grantOAuth1(a, &g, now) {
		return m.errorPage(ctx, a.request, mandate.Errorf(mandate.InvalidRequest, nil, "the request is over"), pages.Error{Reason: pages.Expired, Status: 410})
	}
	if answer.richer {
		var err error
		if g.Details.Rich, err = m.richGiven(answer.rich); err != nil {
			return m.refuseClient(ctx, a, err)
		}
	}
	if len(m.config.Extensions) > 0 {
		var err error
		if g, err = m.extendGrant(ctx, a, *user, g); err != nil {
			return m.refuseClient(ctx, a, err)
		}
	}
	err := m.endPushed(ctx, a, endApproved)
	switch {
	case errors.Is(err, store.ErrUsed):
		return m.finished(ctx, a, err)
	case err != nil:
		return m.refuseClient(ctx, a, err)
	}
	switch err = m.useObject(ctx, a); {
	case errors.Is(err, store.ErrUsed):
		if g, ok = m.decided(ctx, a.Client, g); ok {
			return m.respond(ctx, a, &g)
		}
		return m.finished(ctx, a, err)
	case err != nil:
		return m.refuseClient(ctx, a, err)
	}
	err = m.store.CreateGrant(ctx, g)
	switch {
	case errors.Is(err, store.ErrExists):
		if g, ok = m.decided(ctx, a.Client, g); !ok {
			return m.finished(ctx, a, mandate.Errorf(mandate.InvalidRequest, err, "the request was decided already"))
		}
	case err != nil:
		return m.refuseClient(ctx, a, fault("create grant", err))
	case m.hooks.On != nil:
		m.hooks.Tell(ctx, mandate.Event{Name: mandate.GrantApproved, ClientID: g.ClientID, Subject: g.Subject, GrantID: g.ID, Scopes: scopes})
	}
	if a.device != nil {
		return m.approveDevice(ctx, a, g)
	}
	if a.oauth1 != nil {
		return m.approveOAuth1(ctx, a, g, a.submitted && !answer.once)
	}
	if a.submitted && !answer.once {
		// After the gate: a decision that is refused is not remembered. A crash in between costs one more question.
		if err := m.remember(ctx, user.Subject, a.Client.ID, g.Details, now); err != nil {
			return m.refuseClient(ctx, a, err)
		}
	}
	return m.respond(ctx, a, &g)
}

// namesOf returns id and handle of the grant that the approval of a makes.
func (s *Server) namesOf(a *Ask, now time.Time) (id string, h handle, ok bool) {
	if a.device != nil {
		return s.deviceNames(&a.device.data, a.device.ticket.Key, now)
	}
	if a.untold && len(a.flow.Object) == 0 && len(s.config.Extensions) == 0 { // an extension may tell the handle yet
		id, h = a.flow.newNames()
		return id, h, true
	}
	return s.names(&a.flow, now)
}

// extendGrant lets the extensions refuse an approval or fill in its grant.
func (s *Server) extendGrant(ctx context.Context, a *Ask, user User, g store.Grant) (store.Grant, error) {
	for _, e := range s.config.Extensions {
		if e.Approve != nil {
			if err := e.Approve(ctx, a, user, &g); err != nil {
				return g, err
			}
		}
	}
	return g, nil
}

// decided returns the grant of an earlier, identical decision whose code nobody has used: a double click or a reload gets
// the same answer again.
func (s *Server) decided(ctx context.Context, c *store.Client, want store.Grant) (store.Grant, bool) {
	g, err := s.store.Grant(ctx, want.ID)
	same := err == nil && g.ClientID == want.ClientID && g.Subject == want.Subject && g.SessionID == want.SessionID &&
		g.Details.Scopes == want.Details.Scopes && g.Details.Rich == want.Details.Rich && g.Generation == 0 && g.AliveAt(want.Created) && want.Created.Before(s.codeEnds(c, &g))
	return g, same
}

// respond sends the browser back to the client with what the response types add.
func (m mounted) respond(ctx context.Context, a *Ask, g *store.Grant) *mandate.Response {
	if types := a.Request.ResponseTypes; len(types) == 1 && types[0] == "code" && (a.Request.ResponseMode == modeQuery || a.Request.ResponseMode == modeFragment) { // as nearly always, and cheaper
		var text room
		code, err := m.codeOf(a, g, &text)
		if err != nil {
			return m.refuseClient(ctx, a, err)
		}
		return a.redirect(a.Request.ResponseMode, []mandate.Field{{Name: "code", Value: code}})
	}
	var room [4]mandate.Field
	params := room[:0]
	add := func(name, value string) { params = append(params, mandate.Field{Name: name, Value: value}) }
	for _, t := range a.Request.ResponseTypes {
		if err := m.responses[t].Respond(ctx, a, *g, add); err != nil {
			return m.refuseClient(ctx, a, err)
		}
	}
	return m.deliver(ctx, a, params)
}

// respondCode is the response type code: generation 0 of the grant.
func (s *Server) respondCode(_ context.Context, a *Ask, g store.Grant, add func(name, value string)) error {
	code, err := s.codeOf(a, &g, new(room))
	if err == nil {
		add("code", code)
	}
	return err
}

// codeOf returns the code of g, written to where to points.
func (s *Server) codeOf(a *Ask, g *store.Grant, to *room) (string, error) {
	if kid, ok := s.keyNamed(g.KeyID); ok {
		if code, ok := s.write(credential{kid: kid, handle: a.code}, to); ok {
			return code, nil
		}
	}
	return "", errors.New("the key of this code is gone")
}

// beginGrant makes g, which is empty, a grant of c for subject that has no names yet. Its absolute end counts from now; the row is
// needed until its code, and the access token that the code becomes, are over.
func (s *Server) beginGrant(g *store.Grant, c *store.Client, subject string, now time.Time) {
	g.ClientID, g.Subject, g.KeyID, g.Created, g.Advanced, g.Expires = c.ID, subject, s.kid, now, now, now.Add(s.lifeOf(c))
	ttl := s.config.RefreshTTL
	if c.Policy.RefreshTTL != 0 {
		ttl = c.Policy.RefreshTTL
	}
	if ttl > 0 {
		g.Details.Ends = now.Add(ttl)
	}
}

// newGrant is TokenRequest.NewGrant.
func (s *Server) newGrant(r *TokenRequest, subject string, scopes mandate.Scopes) store.Grant {
	var g store.Grant
	s.beginGrant(&g, r.Client.Client, subject, r.Now)
	f := s.newFlow(r.Now)
	g.ID, r.handle = f.newNames()
	r.key = r.handle.key()
	g.Key, g.Details.Scopes, g.Details.Confirmed = r.key, scopes, r.Confirmed
	g.Generation = 1 // its first refresh token is of generation 1: there was no code
	return g
}

// maxMerges bounds the attempts to write a consent that others write too.
const maxMerges = 8

// remember merges what was allowed into the subject's consent.
func (s *Server) remember(ctx context.Context, subject, clientID string, d store.Details, now time.Time) error {
	for range maxMerges {
		c, err := s.store.Consent(ctx, subject, clientID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fault("read consent", err)
		}
		if !c.Expires.IsZero() && !now.Before(c.Expires) {
			c = store.Consent{Revision: c.Revision} // what it allowed is over
		}
		if c.Revision != 0 && c.Scopes.Covers(d.Scopes) && consentOf(c).covers(d) {
			return nil
		}
		c.Subject, c.ClientID, c.Updated = subject, clientID, now
		c.Scopes = c.Scopes.With(d.Scopes)
		data, err := json.Marshal(consentOf(c).with(d))
		if err != nil {
			return fault("encode consent", err)
		}
		c.Data = string(data)
		err = s.store.PutConsent(ctx, c)
		if err == nil {
			return nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return fault("keep consent", err)
		}
	}
	return nil // others write it again and again: the user will be asked once more
}

// plainText reports whether s is UTF-8 without control characters.
func plainText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// consentOf returns what c's Data says.
func consentOf(c store.Consent) consent {
	var d consent
	if c.Data != "" {
		_ = json.Unmarshal([]byte(c.Data), &d) // what cannot be read allows nothing
	}
	return d
}
