package redisstore

import (
	"context"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

// A set of signing keys is a hash: v revision, d the sealed set, x the call that wrote last.

// SigningKeys implements [store.SigningKeys].
func (s *Store) SigningKeys(ctx context.Context, name string) (sealed []byte, revision int64, err error) {
	out, err := s.run(ctx, "read signing keys", s.lua.keys, []string{s.prefix + "w:" + name})
	if err != nil {
		return nil, 0, err
	}
	r := rowAt(out, 1)
	return []byte(r["d"]), r.int("v"), nil
}

const putKeysLua = `
local revision, sealed, x = ARGV[1], ARGV[2], ARGV[3]
local h = call('HMGET', KEYS[2], 'v', 'x')
if h[2] == x then return {''} end
if (h[1] or '0') ~= revision then return {'C'} end
call('HINCRBY', KEYS[2], 'v', 1)
call('HSET', KEYS[2], 'd', sealed, 'x', x)
return {''}`

// PutSigningKeys implements [store.SigningKeys].
func (s *Store) PutSigningKeys(ctx context.Context, name string, sealed []byte, revision int64) error {
	_, err := s.run(ctx, "put signing keys", s.lua.putKeys, []string{s.prefix + "w:" + name}, revision, sealed, s.call())
	return err
}

// A remote token is a hash: v revision, d the sealed token, e expires, l the end of the lease, x the call that put it, y the
// call that leased it.

func (s *Store) remoteKey(k string) string { return s.prefix + "r:" + k }

// RemoteToken implements [store.RemoteTokens].
func (s *Store) RemoteToken(ctx context.Context, k string) (store.RemoteToken, error) {
	out, err := s.run(ctx, "read remote token", s.lua.remote, []string{s.remoteKey(k)})
	if err != nil {
		return store.RemoteToken{}, err
	}
	r := rowAt(out, 1)
	t := store.RemoteToken{Key: k, Revision: r.int("v"), Expires: r.time("e")}
	if d := r["d"]; d != "" {
		t.Sealed = []byte(d)
	}
	return t, nil
}

const putRemoteLua = trimLua + `
local k, revision, sealed, e, ttl, time, x = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local h = call('HMGET', KEYS[2], 'v', 'x', 'e')
if h[2] == x then return {''} end
if (h[1] or '0') ~= revision then return {'C'} end
call('HINCRBY', KEYS[2], 'v', 1)
call('HSET', KEYS[2], 'd', sealed, 'e', e, 'l', '0', 'x', x, 'y', '')
moves(pack('r', k), h[3], e)
keep(KEYS[2], ttl)
trim(time)
return {''}`

// PutRemoteToken implements [store.RemoteTokens].
func (s *Store) PutRemoteToken(ctx context.Context, t store.RemoteToken) error {
	_, err := s.run(ctx, "put remote token", s.lua.putRemote, []string{s.remoteKey(t.Key)},
		t.Key, t.Revision, t.Sealed, milli(t.Expires), s.ttl(t.Expires), s.longAgo(), s.call())
	return err
}

const leaseLua = `
local revision, now, til, x = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local h = call('HMGET', KEYS[2], 'v', 'l', 'y')
if not h[1] then return {'N'} end
if h[3] == x then return {''} end
if h[1] ~= revision or tonumber(now) < tonumber(h[2]) then return {'C'} end
call('HSET', KEYS[2], 'l', til, 'y', x)
return {''}`

// LeaseRemoteToken implements [store.RemoteTokens]. Where no token is stored it returns ErrNotFound.
func (s *Store) LeaseRemoteToken(ctx context.Context, k string, revision int64, now, until time.Time) error {
	s.note(now)
	_, err := s.run(ctx, "lease remote token", s.lua.lease, []string{s.remoteKey(k)}, revision, milli(now), milli(until), s.call())
	return err
}

const deleteRemoteLua = `
call('DEL', KEYS[2])
call('ZREM', KEYS[1], pack('r', ARGV[1]))
return {''}`

// DeleteRemoteToken implements [store.RemoteTokens].
func (s *Store) DeleteRemoteToken(ctx context.Context, k string) error {
	_, err := s.run(ctx, "delete remote token", s.lua.deleteRemote, []string{s.remoteKey(k)}, k)
	return err
}
