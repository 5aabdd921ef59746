package redisstore

import (
	"context"
	"strconv"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// A consent is a hash: v revision, o scopes, m updated, e expires, d data, x the call that wrote last. Beside it is the set
// cs:<subject> of client IDs.

const putConsentLua = trimLua + `
local subject, client, revision, e, ttl, time, x = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local h = call('HMGET', KEYS[2], 'v', 'x', 'e')
if h[2] == x then return {''} end
if (h[1] or '0') ~= revision then return {'C'} end
call('HINCRBY', KEYS[2], 'v', 1)
call('HSET', KEYS[2], 'e', e, 'x', x, unpack(ARGV, 8))
call('ZADD', P .. 'cs:' .. subject, 0, client)
moves(pack('c', subject, client), h[3], e)
keep(KEYS[2], ttl)
trim(time)
return {''}`

// PutConsent implements [store.Consents].
func (s *Store) PutConsent(ctx context.Context, c store.Consent) error {
	_, err := s.run(ctx, "put consent", s.lua.putConsent, []string{s.consentKey(c.Subject, c.ClientID)},
		c.Subject, c.ClientID, c.Revision, milli(c.Expires), s.ttl(c.Expires, c.Updated), s.longAgo(), s.call(),
		"o", string(c.Scopes), "m", milli(c.Updated), "d", c.Data)
	return err
}

func (s *Store) consentKey(subject, clientID string) string {
	return s.prefix + "c:" + strconv.Itoa(len(subject)) + ":" + subject + clientID
}

// consentOf returns what makes the rows of a subject's consents.
func consentOf(subject string) func(clientID string, r row) (store.Consent, error) {
	return func(clientID string, r row) (store.Consent, error) {
		return store.Consent{
			Subject: subject, ClientID: clientID, Revision: r.int("v"), Scopes: mandate.Scopes(r["o"]),
			Updated: r.time("m"), Expires: r.time("e"), Data: r["d"],
		}, nil
	}
}

// Consent implements [store.Consents].
func (s *Store) Consent(ctx context.Context, subject, clientID string) (store.Consent, error) {
	out, err := s.run(ctx, "read consent", s.lua.consent, []string{s.consentKey(subject, clientID)})
	if err != nil {
		return store.Consent{}, err
	}
	return consentOf(subject)(clientID, rowAt(out, 1))
}

const deleteConsentLua = `
local subject, client = ARGV[1], ARGV[2]
call('DEL', KEYS[2])
call('ZREM', P .. 'cs:' .. subject, client)
call('ZREM', KEYS[1], pack('c', subject, client))
return {''}`

// DeleteConsent implements [store.Consents].
func (s *Store) DeleteConsent(ctx context.Context, subject, clientID string) error {
	_, err := s.run(ctx, "delete consent", s.lua.deleteConsent, []string{s.consentKey(subject, clientID)}, subject, clientID)
	return err
}

const findConsentsLua = shapesLua + scanLua + `
local after, n, subject = ARGV[1], tonumber(ARGV[2]), ARGV[3]
return scan(KEYS[2], after, n, function(client)
	local row = call('HGETALL', consentKey(subject, client))
	return #row > 0 and row or nil
end)`

// FindConsents implements [store.Consents].
func (s *Store) FindConsents(ctx context.Context, subject string, page store.Page) ([]store.Consent, error) {
	return find(ctx, s, "find consents", s.lua.findConsents, s.prefix+"cs:"+subject, page, consentOf(subject), subject)
}
