package redisstore

import (
	"context"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// A ticket is a hash: v revision, z state, c client, s subject, n grant, t created, e expires, u used, d data, a AltKey,
// x the call that wrote last. Beside it is ka:<kind>:<AltKey>.

const putTicketLua = trimLua + `
local kind, key, alt, e, ttl, time, x = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local other = P .. 'ka:' .. kind .. ':' .. alt
local was = call('HGET', KEYS[2], 'x')
if was == x then return {''} end
if was or alt ~= '' and call('EXISTS', other) == 1 then return {'X'} end
call('HSET', KEYS[2], 'v', '1', 'a', alt, 'e', e, 'x', x, unpack(ARGV, 8))
if alt ~= '' then call('SET', other, key) end
ends(pack('k', kind, key, alt), e)
keep(KEYS[2], ttl)
trim(time)
return {''}`

// PutTicket implements [store.Tickets].
func (s *Store) PutTicket(ctx context.Context, t store.Ticket) error {
	_, err := s.run(ctx, "put ticket", s.lua.putTicket, []string{s.ticketKey(t.Kind, t.Key)},
		string(t.Kind), key(t.Key), key(t.AltKey), milli(t.Expires), s.ttl(t.Expires, t.Created), s.longAgo(), s.call(),
		"z", t.State, "c", t.ClientID, "s", t.Subject, "n", t.GrantID, "t", milli(t.Created), "u", milli(t.Used), "d", t.Data)
	return err
}

func (s *Store) ticketKey(kind store.Kind, k mandate.Digest) string {
	return s.prefix + "k:" + string(kind) + ":" + key(k)
}

const ticketLua = `
local kind, key = ARGV[1], ARGV[2]
local row = call('HGETALL', KEYS[2])
if #row == 0 then
	key = call('GET', P .. 'ka:' .. kind .. ':' .. key)
	row = key and call('HGETALL', P .. 'k:' .. kind .. ':' .. key) or {}
end
if #row == 0 then return {'N'} end
return {'', row, key}`

// Ticket implements [store.Tickets].
func (s *Store) Ticket(ctx context.Context, kind store.Kind, k mandate.Digest, now time.Time) (store.Ticket, error) {
	s.note(now)
	out, err := s.run(ctx, "read ticket", s.lua.ticket, []string{s.ticketKey(kind, k)}, string(kind), key(k))
	if err != nil {
		return store.Ticket{}, err
	}
	r := rowAt(out, 1)
	t := store.Ticket{
		Kind: kind, Key: fromKey(text(out, 2)), AltKey: fromKey(r["a"]), Revision: r.int("v"), State: r["z"], ClientID: r["c"],
		Subject: r["s"], GrantID: r["n"], Created: r.time("t"), Expires: r.time("e"), Used: r.time("u"), Data: r["d"],
	}
	switch {
	case !t.Used.IsZero():
		return t, store.ErrUsed
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		return t, store.ErrExpired
	default:
		return t, nil
	}
}

const updateTicketLua = `
local kind, key, revision, e, ttl, x = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local h = call('HMGET', KEYS[2], 'v', 'u', 'x', 'a', 'e')
if not h[1] then return {'N'} end
if h[3] == x then return {''} end
if h[2] ~= '0' then return {'U'} end
if h[1] ~= revision then return {'C'} end
call('HINCRBY', KEYS[2], 'v', 1)
call('HSET', KEYS[2], 'e', e, 'x', x, unpack(ARGV, 7))
moves(pack('k', kind, key, h[4]), h[5], e)
keep(KEYS[2], ttl)
return {''}`

// UpdateTicket implements [store.Tickets].
func (s *Store) UpdateTicket(ctx context.Context, t store.Ticket) error {
	_, err := s.run(ctx, "update ticket", s.lua.updateTicket, []string{s.ticketKey(t.Kind, t.Key)},
		string(t.Kind), key(t.Key), t.Revision, milli(t.Expires), s.ttl(t.Expires, t.Created), s.call(),
		"z", t.State, "s", t.Subject, "n", t.GrantID, "u", milli(t.Used), "d", t.Data)
	return err
}
