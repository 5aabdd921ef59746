package redisstore

import (
	"context"
	"errors"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// A session is a hash: i ID, s subject, c clients, t auth time, e expires, f ends, z ended, l ACR, m AMR, d data, k Key,
// x the call that wrote last. Beside it are si:<ID>, and the set ss:<subject> of IDs.

const putSessionLua = trimLua + `
local key, id, subject, e, ttl, time, x = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local was = call('HGET', KEYS[2], 'x')
if was == x then return {''} end
if was or call('EXISTS', P .. 'si:' .. id) == 1 then return {'X'} end
call('HSET', KEYS[2], 'k', key, 'i', id, 's', subject, 'e', e, 'x', x, unpack(ARGV, 8))
call('SET', P .. 'si:' .. id, key)
call('ZADD', P .. 'ss:' .. subject, 0, id)
ends(pack('s', key, id, subject), e)
keep(KEYS[2], ttl)
trim(time)
return {''}`

// PutSession implements [store.Sessions].
func (s *Store) PutSession(ctx context.Context, n store.Session) error {
	_, err := s.run(ctx, "put session", s.lua.putSession, []string{s.sessionKey(n.Key)},
		key(n.Key), n.ID, n.Subject, milli(n.Expires), s.ttl(n.Expires, n.AuthTime), s.longAgo(), s.call(),
		"c", n.Clients, "t", milli(n.AuthTime), "f", milli(n.Ends), "z", milli(n.Ended), "l", n.ACR, "m", n.AMR, "d", n.Data)
	return err
}

func (s *Store) sessionKey(k mandate.Digest) string { return s.prefix + "s:" + key(k) }

func sessionOf(_ string, r row) (store.Session, error) {
	return store.Session{
		Key: fromKey(r["k"]), ID: r["i"], Subject: r["s"], Clients: r["c"], AuthTime: r.time("t"), Expires: r.time("e"),
		Ends: r.time("f"), Ended: r.time("z"), ACR: r["l"], AMR: r["m"], Data: r["d"],
	}, nil
}

// state returns the session of an answer with its verdict.
func state(out []any, now time.Time) (store.Session, error) {
	n, _ := sessionOf("", rowAt(out, 1))
	switch {
	case !n.Ended.IsZero():
		return n, store.ErrUsed
	case !n.LiveAt(now):
		return n, store.ErrExpired
	default:
		return n, nil
	}
}

// Session implements [store.Sessions].
func (s *Store) Session(ctx context.Context, k mandate.Digest, now time.Time) (store.Session, error) {
	s.note(now)
	out, err := s.run(ctx, "read session", s.lua.session, []string{s.sessionKey(k)})
	if err != nil {
		return store.Session{}, err
	}
	return state(out, now)
}

const sessionByIDLua = `
local key = call('GET', KEYS[2])
local row = key and call('HGETALL', P .. 's:' .. key) or {}
if #row == 0 then return {'N'} end
return {'', row}`

// SessionByID implements [store.Sessions].
func (s *Store) SessionByID(ctx context.Context, id string, now time.Time) (store.Session, error) {
	s.note(now)
	out, err := s.run(ctx, "read session", s.lua.sessionByID, []string{s.prefix + "si:" + id})
	if err != nil {
		return store.Session{}, err
	}
	return state(out, now)
}

const touchLua = `
local e, ttl = ARGV[1], ARGV[2]
local h = call('HMGET', KEYS[2], 'z', 'k', 'i', 's', 'e')
if not h[1] then return {'N'} end
if h[1] ~= '0' then return {'U'} end
call('HSET', KEYS[2], 'e', e)
moves(pack('s', h[2], h[3], h[4]), h[5], e)
keep(KEYS[2], ttl)
return {''}`

// TouchSession implements [store.Sessions]: ErrNotFound, or ErrUsed if the session has ended.
func (s *Store) TouchSession(ctx context.Context, k mandate.Digest, expires time.Time) error {
	_, err := s.run(ctx, "touch session", s.lua.touch, []string{s.sessionKey(k)}, milli(expires), s.ttl(expires))
	return err
}

const joinLua = `
local key = call('GET', KEYS[2])
local row = key and P .. 's:' .. key or ''
local h = key and call('HMGET', row, 'z', 'c') or {}
if not h[1] then return {'N'} end
if h[1] ~= '0' then return {'U'} end
if not string.find(' ' .. h[2] .. ' ', ' ' .. ARGV[1] .. ' ', 1, true) then
	call('HSET', row, 'c', h[2] == '' and ARGV[1] or h[2] .. ' ' .. ARGV[1])
end
return {''}`

// JoinSession implements [store.Sessions].
func (s *Store) JoinSession(ctx context.Context, id, clientID string) error {
	_, err := s.run(ctx, "join session", s.lua.join, []string{s.prefix + "si:" + id}, clientID)
	return err
}

const endSessionLua = `
local now, x = ARGV[1], ARGV[2]
local key = call('GET', KEYS[2])
local row = key and P .. 's:' .. key or ''
local h = key and call('HMGET', row, 'z', 'x') or {}
if not h[1] then return {'N'} end
if h[1] == '0' then
	call('HSET', row, 'z', now, 'x', x)
elseif h[2] ~= x then
	return {'U', call('HGETALL', row)}
end
return {'', call('HGETALL', row)}`

// EndSession implements [store.Sessions].
func (s *Store) EndSession(ctx context.Context, id string, now time.Time) (store.Session, error) {
	s.note(now)
	out, err := s.run(ctx, "end session", s.lua.endSession, []string{s.prefix + "si:" + id}, milli(now), s.call())
	if err != nil && !errors.Is(err, store.ErrUsed) {
		return store.Session{}, err
	}
	n, _ := sessionOf(id, rowAt(out, 1))
	return n, err
}

const findSessionsLua = scanLua + `
local after, n, now = ARGV[1], tonumber(ARGV[2]), ARGV[3]
return scan(KEYS[2], after, n, function(id)
	local key = call('GET', P .. 'si:' .. id)
	local row = key and P .. 's:' .. key or ''
	local h = key and call('HMGET', row, 'z', 'e', 'f') or {}
	if h[1] ~= '0' or h[2] == '0' or not before(now, h[2]) or not before(now, h[3]) then return nil end
	return call('HGETALL', row)
end)`

// FindSessions implements [store.Sessions].
func (s *Store) FindSessions(ctx context.Context, subject string, now time.Time, page store.Page) ([]store.Session, error) {
	s.note(now)
	return find(ctx, s, "find sessions", s.lua.findSessions, s.prefix+"ss:"+subject, page, sessionOf, milli(now))
}
