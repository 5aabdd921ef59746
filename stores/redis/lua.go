package redisstore

import "github.com/redis/go-redis/v9"

// scripts are all scripts of the store.
type scripts struct {
	check, prune                                              script
	putClient, client, deleteClient, findClients              script
	createGrant, grant, grantByKey, findGrants, resealGrant   script
	redeem, revokeGrant, revokeGrants                         script
	putToken, token, revokeToken                              script
	putTicket, ticket, updateTicket                           script
	useOnce                                                   script
	putConsent, consent, deleteConsent, findConsents          script
	putSession, session, sessionByID, touch, join, endSession script
	findSessions                                              script
	putKeys, keys                                             script
	putRemote, remote, lease, deleteRemote                    script
}

func newScripts() *scripts {
	reads := func(src string) script { return script{redis.NewScript(prelude + src), true} }
	writes := func(src string) script { return script{redis.NewScript(prelude + src), false} }
	return &scripts{
		check: reads(`return {''}`), prune: writes(pruneLua),
		putClient: writes(putClientLua), client: reads(hashLua), deleteClient: writes(deleteClientLua), findClients: reads(findClientsLua),
		createGrant: writes(createGrantLua), grant: reads(hashLua), grantByKey: reads(grantByKeyLua), findGrants: reads(findGrantsLua),
		resealGrant: writes(resealGrantLua),
		redeem:      script{redis.NewScript(redeemLua), false}, revokeGrant: writes(revokeGrantLua), revokeGrants: writes(revokeGrantsLua),
		putToken: writes(putTokenLua), token: reads(tokenLua), revokeToken: writes(revokeTokenLua),
		putTicket: writes(putTicketLua), ticket: reads(ticketLua), updateTicket: writes(updateTicketLua),
		useOnce:    writes(useOnceLua),
		putConsent: writes(putConsentLua), consent: reads(hashLua), deleteConsent: writes(deleteConsentLua), findConsents: reads(findConsentsLua),
		putSession: writes(putSessionLua), session: reads(hashLua), sessionByID: reads(sessionByIDLua), touch: writes(touchLua),
		join: writes(joinLua), endSession: writes(endSessionLua), findSessions: reads(findSessionsLua),
		putKeys: writes(putKeysLua), keys: reads(hashLua),
		putRemote: writes(putRemoteLua), remote: reads(hashLua), lease: writes(leaseLua), deleteRemote: writes(deleteRemoteLua),
	}
}

// prelude is what the scripts share. KEYS[1] is the sorted set of ends. Its members say what goes at an end: a letter for the kind, and
// the record's keys, each with its length in front. Scripts touch keys that they are not told, all in the slot of KEYS[1].
//
// A record stands in the set at its end or earlier: an end that moves away is not written there, and who comes to the old one
// files the record again. What never ends stands nowhere, nor does a token that a redemption put, which is Redis's to drop.
//
// Numbers are compared as numbers and passed on as text, so that none is rounded.
//
//nolint:dupword // Lua ends every block with end
const prelude = `
local call = redis.call
local P = string.sub(KEYS[1], 1, -4)
local KEPT, SLACK = 2592000000, 86400000 -- a revoked grant without an end: 30 days

local function pack(kind, ...)
	local m = kind
	for _, s in ipairs({...}) do m = m .. #s .. ':' .. s end
	return m
end

local function ends(member, at)
	if at == '0' then call('ZREM', KEYS[1], member) else call('ZADD', KEYS[1], at, member) end
end

local function moves(member, old, new)
	if not old or old == '0' or new ~= '0' and tonumber(new) < tonumber(old) then ends(member, new) end
end

local function keep(key, ttl)
	if ttl == '0' then call('PERSIST', key) else call('PEXPIRE', key, ttl) end
end

local function set(key, value, ttl)
	if ttl == '0' then call('SET', key, value) else call('SET', key, value, 'PX', ttl) end
end

local function before(now, at) return at == '0' or tonumber(now) < tonumber(at) end

local function plus(a, b) return string.format('%.0f', tonumber(a) + b) end
`

//nolint:dupword // Lua ends every block with end
const (
	// dropLua looks at up to n records that stand before a time, and removes those that are over. It answers how many it removed, and
	// at how many it looked. All that it needs is made when it is called.
	dropLua = `
local function drop(time, n)
	local function unpacked(m)
		local list, at = {}, 2
		while at <= #m do
			local colon = string.find(m, ':', at, true)
			local n = tonumber(string.sub(m, at, colon - 1))
			list[#list + 1] = string.sub(m, colon + 1, colon + n)
			at = colon + n + 1
		end
		return list
	end

	local function over(at) return at ~= '0' and tonumber(at) < tonumber(time) end

` + shapesLua + `
	-- Each removes what a member names, or answers the end of what is there: it has moved. '0' is also for what stands
	-- under another member, because it was made anew.
	local goes = {
		t = function(f)
			local key = P .. 't:' .. f[1]
			local v = call('GET', key)
			if v and not over((parse(v))) then return (parse(v)) end
			call('DEL', key)
		end,
		o = function(f)
			local key = P .. 'o:' .. f[1]
			local v = call('GET', key)
			local e = v and string.match(v, '^-?%d+')
			if e and not over(e) then return e end
			call('DEL', key)
		end,
		g = function(f)
			local id, key, client, subject, session = f[1], f[2], f[3], f[4], f[5]
			local row = P .. 'g:' .. id
			local h = call('HMGET', row, 'e', 'r', 'k', 'c', 's', 'n')
			local left = h[1] and grantEnds(h[1], h[2])
			if left and over(left) then left = nil end
			if not left then
				call('DEL', row)
				call('ZREM', P .. 'ga', id)
				h = {}
			end
			if key ~= '' and key ~= h[3] and call('GET', P .. 'gk:' .. key) == id then call('DEL', P .. 'gk:' .. key) end
			if client ~= '' and client ~= h[4] then call('ZREM', P .. 'gc:' .. client, id) end
			if subject ~= '' and subject ~= h[5] then call('ZREM', P .. 'gs:' .. subject, id) end
			if session ~= '' and session ~= h[6] then call('ZREM', P .. 'gn:' .. session, id) end
			local same = key == h[3] and client == h[4] and subject == h[5] and session == h[6]
			return left and not same and '0' or left
		end,
		k = function(f)
			local row, alt = P .. 'k:' .. f[1] .. ':' .. f[2], P .. 'ka:' .. f[1] .. ':' .. f[3]
			local h = call('HMGET', row, 'e', 'a')
			if h[1] and over(h[1]) then h = {} end
			if not h[1] then call('DEL', row) end
			if f[3] ~= '' and f[3] ~= h[2] and call('GET', alt) == f[2] then call('DEL', alt) end
			return h[1] and f[3] ~= h[2] and '0' or h[1]
		end,
		c = function(f)
			local row = consentKey(f[1], f[2])
			local e = call('HGET', row, 'e')
			if e and not over(e) then return e end
			call('DEL', row)
			call('ZREM', P .. 'cs:' .. f[1], f[2])
		end,
		s = function(f)
			local row, id = P .. 's:' .. f[1], P .. 'si:' .. f[2]
			local h = call('HMGET', row, 'e', 'i', 's')
			if h[1] and over(h[1]) then h = {} end
			if not h[1] then call('DEL', row) end
			if f[2] ~= h[2] and call('GET', id) == f[1] then call('DEL', id) end
			if f[2] == h[2] and f[3] == h[3] then return h[1] end
			call('ZREM', P .. 'ss:' .. f[3], f[2])
			return h[1] and '0'
		end,
		r = function(f)
			local row = P .. 'r:' .. f[1]
			local e = call('HGET', row, 'e')
			if e and not over(e) then return e end
			call('DEL', row)
		end,
	}

	local gone, list = 0, call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. time, 'LIMIT', 0, n)
	for _, m in ipairs(list) do
		local left = goes[string.sub(m, 1, 1)](unpacked(m))
		ends(m, left or '0')
		if not left then gone = gone + 1 end
	end
	return gone, #list
end
`

	// shapesLua is how records are written.
	shapesLua = `
local function consentKey(subject, client) return P .. 'c:' .. #subject .. ':' .. subject .. client end

-- A token is its end, the call that put it, and its grant in front of JSON; a revoked one is put by '-'.
local function parse(token)
	local _, last, e, x, n = string.find(token, '^(-?%d+):([^:]*):(%d+):')
	return e, x, string.sub(token, last + 1, last + tonumber(n)), string.sub(token, last + 1 + tonumber(n))
end

local function grantEnds(e, r)
	if e == '0' and r ~= '0' then return plus(r, KEPT) end
	return e
end
`

	// trimLua is for scripts that add a record.
	trimLua = `
local function trim(time)
	if time == '' then return end
` + dropLua + `
	drop(time, 16)
end
`

	// scanLua lists the members of an index after one, up to n that f takes. It answers where to go on: '' for nowhere.
	scanLua = `
local function scan(index, after, n, f)
	local from = after == '' and '-' or '(' .. after
	local ids = call('ZRANGEBYLEX', index, from, '+', 'LIMIT', 0, 250)
	local out = {'', ''}
	for _, id in ipairs(ids) do
		out[2] = id
		local row = f(id)
		if row then
			out[#out + 1] = id
			out[#out + 1] = row
			n = n - 1
			if n == 0 then return out end
		end
	end
	if #ids < 250 then out[2] = '' end
	return out
end
`

	pruneLua = dropLua + `return {'', drop(ARGV[1], ARGV[2])}`

	// hashLua reads the row KEYS[2].
	hashLua = `
local row = call('HGETALL', KEYS[2])
if #row == 0 then return {'N'} end
return {'', row}`
)
