package redisstore

import "github.com/redis/go-redis/v9"

// scripts are all scripts of the store.
type scripts struct {
	check, prune                                              script
	putClient, client, deleteClient, findClients              script
	createGrant, grant, grantByKey, findGrants                script
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
		redeem: writes(redeemLua), revokeGrant: writes(revokeGrantLua), revokeGrants: writes(revokeGrantsLua),
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
	// dropLua removes up to n records that ended before a time. All that it needs is made when it is called.
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

` + shapesLua + `
	-- Each removes what a member names, unless that has another end by now.
	local goes = {
		t = function(over, f)
			local key = P .. 't:' .. f[1]
			local v = call('GET', key)
			if v and over((parse(v))) then call('DEL', key) end
		end,
		o = function(over, f)
			local key = P .. 'o:' .. f[1]
			local v = call('GET', key)
			if v and over(string.match(v, '^-?%d+')) then call('DEL', key) end
		end,
		g = function(over, f)
			local id, key, client, subject, session = f[1], f[2], f[3], f[4], f[5]
			local row = P .. 'g:' .. id
			local v = call('HMGET', row, 'e', 'r')
			if v[1] and not over(grantEnds(v[1], v[2])) then return end
			call('DEL', row)
			if key ~= '' and call('GET', P .. 'gk:' .. key) == id then call('DEL', P .. 'gk:' .. key) end
			call('ZREM', P .. 'ga', id)
			if client ~= '' then call('ZREM', P .. 'gc:' .. client, id) end
			if subject ~= '' then call('ZREM', P .. 'gs:' .. subject, id) end
			if session ~= '' then call('ZREM', P .. 'gn:' .. session, id) end
		end,
		k = function(over, f)
			local row, alt = P .. 'k:' .. f[1] .. ':' .. f[2], P .. 'ka:' .. f[1] .. ':' .. f[3]
			local e = call('HGET', row, 'e')
			if e and not over(e) then return end
			call('DEL', row)
			if f[3] ~= '' and call('GET', alt) == f[2] then call('DEL', alt) end
		end,
		c = function(over, f)
			local row = consentKey(f[1], f[2])
			local e = call('HGET', row, 'e')
			if e and not over(e) then return end
			call('DEL', row)
			call('ZREM', P .. 'cs:' .. f[1], f[2])
		end,
		s = function(over, f)
			local row, id = P .. 's:' .. f[1], P .. 'si:' .. f[2]
			local e = call('HGET', row, 'e')
			if e and not over(e) then return end
			call('DEL', row)
			if call('GET', id) == f[1] then call('DEL', id) end
			call('ZREM', P .. 'ss:' .. f[3], f[2])
		end,
		r = function(over, f)
			local row = P .. 'r:' .. f[1]
			local e = call('HGET', row, 'e')
			if e and over(e) then call('DEL', row) end
		end,
	}

	local function over(at) return at ~= '0' and tonumber(at) < tonumber(time) end
	local list = call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. time, 'LIMIT', 0, n)
	for _, m in ipairs(list) do
		call('ZREM', KEYS[1], m)
		goes[string.sub(m, 1, 1)](over, unpacked(m))
	end
	return #list
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
	trimLua = dropLua + `
local function trim(time)
	if time ~= '' then drop(time, 16) end
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

	pruneLua = dropLua + `return {'', tostring(drop(ARGV[1], ARGV[2]))}`

	// hashLua reads the row KEYS[2].
	hashLua = `
local row = call('HGETALL', KEYS[2])
if #row == 0 then return {'N'} end
return {'', row}`
)
