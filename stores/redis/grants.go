package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// A grant is a hash: k Key, q KeyID, c client, s subject, n session, g generation, a advanced, t created, e expires, r revoked,
// w why, d details, x the call that wrote last. Beside it are gk:<key>, and the sets ga, gc:<client>, gs:<subject> and gn:<session> of IDs.

const createGrantLua = shapesLua + trimLua + `
local id, key, client, subject, session = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local e, r, ttl, time, x = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local was = call('HGET', KEYS[2], 'x')
if was == x then return {''} end
if was or key ~= '' and call('EXISTS', P .. 'gk:' .. key) == 1 then return {'X'} end
call('HSET', KEYS[2], 'k', key, 'c', client, 's', subject, 'n', session, 'e', e, 'r', r, 'x', x, unpack(ARGV, 11))
if key ~= '' then call('SET', P .. 'gk:' .. key, id) end
call('ZADD', P .. 'ga', 0, id)
if client ~= '' then call('ZADD', P .. 'gc:' .. client, 0, id) end
if subject ~= '' then call('ZADD', P .. 'gs:' .. subject, 0, id) end
if session ~= '' then call('ZADD', P .. 'gn:' .. session, 0, id) end
ends(pack('g', id, key, client, subject, session), grantEnds(e, r))
keep(KEYS[2], ttl)
trim(time)
return {''}`

// CreateGrant implements [store.Grants].
func (s *Store) CreateGrant(ctx context.Context, g store.Grant) error {
	d := g.Details
	d.Ends, d.AuthTime = whole(d.Ends), whole(d.AuthTime)
	details, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("redisstore: create grant: %w", err)
	}
	_, err = s.run(ctx, "create grant", s.lua.createGrant, []string{s.grantKey(g.ID)},
		g.ID, key(g.Key), g.ClientID, g.Subject, g.SessionID,
		milli(g.Expires), milli(g.Revoked), s.ttl(g.Expires, g.Created), s.longAgo(), s.call(),
		"q", g.KeyID, "g", g.Generation, "a", milli(g.Advanced), "t", milli(g.Created), "w", string(g.Reason), "d", string(details))
	return err
}

func (s *Store) grantKey(id string) string { return s.prefix + "g:" + id }

// grantOf returns the grant that a row stands for.
func grantOf(id string, r row) (store.Grant, error) {
	g := store.Grant{
		ID: id, Key: fromKey(r["k"]), KeyID: r["q"], ClientID: r["c"], Subject: r["s"], SessionID: r["n"], Generation: r.int("g"),
		Advanced: r.time("a"), Created: r.time("t"), Expires: r.time("e"), Revoked: r.time("r"), Reason: store.Reason(r["w"]),
	}
	if d := r["d"]; d != "" {
		if err := json.Unmarshal([]byte(d), &g.Details); err != nil {
			return store.Grant{}, fmt.Errorf("redisstore: details of grant %q: %w", id, err)
		}
	}
	return g, nil
}

// Grant implements [store.Grants].
func (s *Store) Grant(ctx context.Context, id string) (store.Grant, error) {
	out, err := s.run(ctx, "read grant", s.lua.grant, []string{s.grantKey(id)})
	if err != nil {
		return store.Grant{}, err
	}
	return grantOf(id, rowAt(out, 1))
}

const grantByKeyLua = `
local id = call('GET', KEYS[2])
local row = id and call('HGETALL', P .. 'g:' .. id) or {}
if #row == 0 then return {'N'} end
return {'', row, id}`

// GrantByKey implements [store.Grants].
func (s *Store) GrantByKey(ctx context.Context, k mandate.Digest) (store.Grant, error) {
	out, err := s.run(ctx, "read grant", s.lua.grantByKey, []string{s.prefix + "gk:" + key(k)})
	if err != nil {
		return store.Grant{}, err
	}
	return grantOf(text(out, 2), rowAt(out, 1))
}

// Verdicts come in the order of [store.Redemption.Verdict], and on the row that the script has before it. This is the script that
// everybody waits for: it makes what is rarely needed only where it is needed.
//
//nolint:dupword // Lua ends every block with end
const redeemLua = `
local from, to, now, grace, e, q, keepIt = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local ttl, x, token, tokenTTL = ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local row = KEYS[2]
local h = redis.call('HMGET', row, 'g', 'e', 'r')
local g, old, again = h[1], h[2], false
if not g then return {'N'} end
if g ~= from then
	if g ~= to then return {'U'} end
	local f = redis.call('HMGET', row, 'x', 'a')
	if f[1] == x then return {'', redis.call('HGET', row, 'q')} end
	again = grace ~= '0' and tonumber(now) <= tonumber(f[2]) + tonumber(grace)
	if not again then return {'U'} end
end
if h[3] ~= '0' then return {'R'} end
if old ~= '0' and tonumber(now) >= tonumber(old) then return {'E'} end
if token then
	local new
	if tokenTTL == '0' then
		new = redis.call('SET', KEYS[3], token, 'NX')
	else
		new = redis.call('SET', KEYS[3], token, 'NX', 'PX', tokenTTL)
	end
	if not new and redis.call('GET', KEYS[3]) ~= token then return {'X'} end
end
if again or keepIt == '1' then q = redis.call('HGET', row, 'q') end
if again then return {'', q} end
if keepIt == '1' then
	redis.call('HSET', row, 'e', e)
else
	redis.call('HSET', row, 'e', e, 'g', to, 'a', now, 'q', q, 'x', x)
end
if ttl == '0' then
	redis.call('PERSIST', row)
else
	redis.call('PEXPIRE', row, ttl)
end
if e ~= '0' and (old == '0' or tonumber(e) < tonumber(old)) then
` + prelude + `
	local f = call('HMGET', row, 'k', 'c', 's', 'n')
	ends(pack('g', string.sub(row, #P + 3), f[1], f[2], f[3], f[4]), e)
end
return {'', q}`

// Redeem implements [store.Grants]: one script moves the grant and puts the token. It writes no end: that of a grant mostly moves
// away, and Redis drops the token, which would be refused without it as with it.
func (s *Store) Redeem(ctx context.Context, r store.Redemption) (string, error) {
	s.note(r.Now)
	x, keepIt := s.call(), "0"
	if r.Keep {
		keepIt = "1"
	}
	keys := []string{s.grantKey(r.GrantID)}
	args := []any{
		r.From, r.From + 1, milli(r.Now), max(r.Grace, 0).Milliseconds(), milli(r.Expires), r.KeyID, keepIt, s.ttl(r.Expires, r.Now), x,
	}
	if r.Token != nil {
		token, err := tokenText(x, r.GrantID, r.Token)
		if err != nil {
			return "", err
		}
		keys = append(keys, s.tokenKey(r.Key))
		args = append(args, token, s.ttlWith(brief, r.Token.Expires(), r.Now))
	}
	out, err := s.run(ctx, "redeem", s.lua.redeem, keys, args...)
	if err != nil {
		return "", err
	}
	return text(out, 1), nil
}

// revokeLua is the one write that ends a grant.
//
//nolint:dupword // Lua ends every block with end
const revokeLua = `
local function revoke(id, row, h, now, why, x)
	call('HSET', row, 'r', now, 'w', why, 'x', x)
	if h.e == '0' then
		ends(pack('g', id, h.k, h.c, h.s, h.n), plus(now, KEPT))
		keep(row, plus(KEPT, SLACK))
	end
end
`

const revokeGrantLua = trimLua + revokeLua + `
local id, now, why, time, x = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local h = call('HMGET', KEYS[2], 'r', 'e', 'k', 'c', 's', 'n')
if not h[1] then
	call('HSET', KEYS[2], 'k', '', 'q', '', 'c', '', 's', '', 'n', '', 'g', '0', 'a', '0', 't', now, 'e', '0', 'r', '0')
	call('ZADD', P .. 'ga', 0, id)
	h = {'0', '0', '', '', '', ''}
end
if h[1] == '0' then
	revoke(id, KEYS[2], {e = h[2], k = h[3], c = h[4], s = h[5], n = h[6]}, now, why, x)
	trim(time)
end
return {''}`

// RevokeGrant implements [store.Grants].
func (s *Store) RevokeGrant(ctx context.Context, id string, why store.Reason, now time.Time) error {
	s.note(now)
	_, err := s.run(ctx, "revoke grant", s.lua.revokeGrant, []string{s.grantKey(id)}, id, milli(now), string(why), s.longAgo(), s.call())
	return err
}

const resealGrantLua = `
local h = call('HMGET', KEYS[2], 'g', 'd')
if not h[1] then return {'N'} end
if h[2] == ARGV[2] then return {''} end
if h[2] ~= ARGV[1] then return {'C'} end
call('HSET', KEYS[2], 'd', ARGV[2])
return {''}`

// ResealGrant implements [store.Grants]. What others know of Details, and this version does not, stays as it is.
func (s *Store) ResealGrant(ctx context.Context, id, from, to string) error {
	out, err := s.run(ctx, "read grant", s.lua.grant, []string{s.grantKey(id)})
	if err != nil {
		return err
	}
	details, old, fresh := rowAt(out, 1)["d"], `"sealed":"`+from+`"`, `"sealed":"`+to+`"`
	if !strings.Contains(details, old) {
		return store.ErrConflict
	}
	_, err = s.run(ctx, "reseal grant", s.lua.resealGrant, []string{s.grantKey(id)}, details, strings.Replace(details, old, fresh, 1))
	return err
}

const revokeGrantsLua = scanLua + revokeLua + `
local after, subject, client, session, now, why, x = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
return scan(KEYS[2], after, -1, function(id)
	local row = P .. 'g:' .. id
	local h = call('HMGET', row, 'c', 's', 'n', 'e', 'r', 'x', 'k')
	if not h[1] or client ~= '' and h[1] ~= client or subject ~= '' and h[2] ~= subject or session ~= '' and h[3] ~= session then
		return nil
	end
	if h[5] == '0' and before(now, h[4]) then
		revoke(id, row, {e = h[4], k = h[7], c = h[1], s = h[2], n = h[3]}, now, why, x)
	elseif h[6] ~= x then
		return nil
	end
	return call('HGETALL', row)
end)`

// RevokeGrants implements [store.Grants]. It goes through the grants of the subject, or else the session, or else the client, some at a
// time: each is ended by one write, and one that is made meanwhile may be missed.
func (s *Store) RevokeGrants(ctx context.Context, q store.GrantQuery, why store.Reason, now time.Time) ([]store.Grant, error) {
	s.note(now)
	if q == (store.GrantQuery{}) {
		return nil, nil
	}
	x, ms, index := s.call(), milli(now), s.grantIndex(q)
	var all []store.Grant
	for after := ""; ; {
		out, err := s.run(ctx, "revoke grants", s.lua.revokeGrants, []string{index}, after, q.Subject, q.ClientID, q.SessionID, ms, string(why), x)
		if err != nil {
			return all, err
		}
		if all, err = appendRows(all, out, grantOf); err != nil {
			return all, err
		}
		if after = text(out, 1); after == "" {
			return all, nil
		}
	}
}

// grantIndex returns the key of the smallest index that has what q selects.
func (s *Store) grantIndex(q store.GrantQuery) string {
	switch {
	case q.Subject != "":
		return s.prefix + "gs:" + q.Subject
	case q.SessionID != "":
		return s.prefix + "gn:" + q.SessionID
	case q.ClientID != "":
		return s.prefix + "gc:" + q.ClientID
	default:
		return s.prefix + "ga"
	}
}

const findGrantsLua = scanLua + `
local after, n, subject, client, session = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
return scan(KEYS[2], after, n, function(id)
	local row = P .. 'g:' .. id
	local h = call('HMGET', row, 'c', 's', 'n')
	if not h[1] or client ~= '' and h[1] ~= client or subject ~= '' and h[2] ~= subject or session ~= '' and h[3] ~= session then
		return nil
	end
	return call('HGETALL', row)
end)`

// FindGrants implements [store.Grants].
func (s *Store) FindGrants(ctx context.Context, q store.GrantQuery, page store.Page) ([]store.Grant, error) {
	return find(ctx, s, "find grants", s.lua.findGrants, s.grantIndex(q), page, grantOf, q.Subject, q.ClientID, q.SessionID)
}

// find runs a script that lists an index, some at a time, until the page is full.
func find[T any](
	ctx context.Context, s *Store, what string, sc script, index string, page store.Page, of func(string, row) (T, error), args ...any,
) ([]T, error) {
	var all []T
	for after, n := page.After, limit(page); ; {
		out, err := s.run(ctx, what, sc, []string{index}, append([]any{after, n - len(all)}, args...)...)
		if err != nil {
			return nil, err
		}
		if all, err = appendRows(all, out, of); err != nil {
			return nil, err
		}
		if after = text(out, 1); after == "" || len(all) >= n {
			return all, nil
		}
	}
}

// appendRows reads what a scan answers: where to go on, then names and rows.
func appendRows[T any](all []T, out []any, of func(string, row) (T, error)) ([]T, error) {
	for i := 2; i+1 < len(out); i += 2 {
		r, err := of(text(out, i), rowAt(out, i+1))
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
	return all, nil
}

func (s *Store) tokenKey(k mandate.Digest) string { return s.prefix + "t:" + key(k) }

// tokenText returns t as it is kept.
func tokenText(x, grantID string, t *mandate.Token) (string, error) {
	body, err := json.Marshal(t.Info())
	if err != nil {
		return "", fmt.Errorf("redisstore: token: %w", err)
	}
	return milli(t.Expires()) + ":" + x + ":" + strconv.Itoa(len(grantID)) + ":" + grantID + string(body), nil
}
