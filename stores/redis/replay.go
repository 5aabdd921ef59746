package redisstore

import (
	"context"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// What was used is its end and the call that used it.
//
//nolint:dupword // Lua ends every block with end
const useOnceLua = trimLua + `
local now, e, ttl, suffix, time, x = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local v = call('GET', KEYS[2])
if v then
	local _, _, old, by = string.find(v, '^(-?%d+):(.*)')
	if by == x then return {''} end
	if before(now, old) then return {'U'} end
end
set(KEYS[2], e .. ':' .. x, ttl)
ends(pack('o', suffix), e)
trim(time)
return {''}`

// UseOnce implements [store.Replay].
func (s *Store) UseOnce(ctx context.Context, space string, k mandate.Digest, now, expires time.Time) error {
	s.note(now)
	suffix := space + ":" + key(k)
	_, err := s.run(ctx, "use once", s.lua.useOnce, []string{s.prefix + "o:" + suffix},
		milli(now), milli(expires), s.ttl(expires, now), suffix, s.longAgo(), s.call())
	return err
}
