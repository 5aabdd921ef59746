package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

const putTokenLua = trimLua + `
local value, e, ttl, grant, suffix, time = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
if grant ~= '' and call('HGET', P .. 'g:' .. grant, 'r') ~= '0' then return {'R'} end
local was = call('GET', KEYS[2])
if was == value then return {''} end
if was then return {'X'} end
set(KEYS[2], value, ttl)
ends(pack('t', suffix), e)
trim(time)
return {''}`

// PutToken implements [store.Tokens].
func (s *Store) PutToken(ctx context.Context, k mandate.Digest, t *mandate.Token) error {
	value, err := tokenText(s.call(), t.GrantID(), t)
	if err != nil {
		return err
	}
	_, err = s.run(ctx, "put token", s.lua.putToken, []string{s.tokenKey(k)},
		value, milli(t.Expires()), s.ttl(t.Expires(), t.IssuedAt()), t.GrantID(), key(k), s.longAgo())
	return err
}

const tokenLua = shapesLua + `
local v = call('GET', KEYS[2])
if not v then return {'N'} end
local e, x, grant, body = parse(v)
if x == '-' or grant ~= '' and call('HGET', P .. 'g:' .. grant, 'r') ~= '0' then return {'R'} end
if not before(ARGV[1], e) then return {'E'} end
return {'', body}`

// Token implements [store.Tokens]: the token and its grant are read in one round trip.
func (s *Store) Token(ctx context.Context, k mandate.Digest, now time.Time) (*mandate.Token, error) {
	s.note(now)
	out, err := s.run(ctx, "read token", s.lua.token, []string{s.tokenKey(k)}, milli(now))
	if err != nil {
		return nil, err
	}
	var info mandate.TokenInfo
	if err := json.Unmarshal([]byte(text(out, 1)), &info); err != nil {
		return nil, fmt.Errorf("redisstore: read token: %w", err)
	}
	return mandate.NewToken(info), nil
}

//nolint:dupword // Lua ends every block with end
const revokeTokenLua = shapesLua + trimLua + `
local e, ttl, suffix, time = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local was = call('GET', KEYS[2])
if was then
	local old = parse(was)
	local left = call('PTTL', KEYS[2])
	if old == '0' or e == '0' or left < 0 then
		ttl = '0'
		e = (old == '0' or e == '0') and '0' or e
	elseif left > tonumber(ttl) then
		ttl = string.format('%.0f', left)
	end
	if e ~= '0' and tonumber(old) > tonumber(e) then e = old end
end
set(KEYS[2], e .. ':-:0:', ttl)
ends(pack('t', suffix), e)
trim(time)
return {''}`

// RevokeToken implements [store.Tokens]. The latest end that was named for the key counts, the token's own among them.
func (s *Store) RevokeToken(ctx context.Context, k mandate.Digest, expires time.Time) error {
	_, err := s.run(ctx, "revoke token", s.lua.revokeToken, []string{s.tokenKey(k)}, milli(expires), s.ttl(expires), key(k), s.longAgo())
	return err
}
