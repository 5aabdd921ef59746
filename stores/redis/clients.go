package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

// A client is a hash: v revision, d JSON, x the call that wrote last. Beside them is the set cls of IDs.

// client is a [store.Client] in JSON, without what stands beside it.
type client struct {
	Disabled bool                  `json:"disabled,omitempty"`
	Created  time.Time             `json:"created,omitzero"`
	Origin   store.Origin          `json:"origin,omitempty"`
	Secrets  []store.Secret        `json:"secrets,omitempty"`
	Metadata oauth2.ClientMetadata `json:"metadata"`
	Policy   store.Policy          `json:"policy"`
}

func clientOf(id string, r row) (*store.Client, error) {
	var c client
	if err := json.Unmarshal([]byte(r["d"]), &c); err != nil {
		return nil, fmt.Errorf("redisstore: client %q: %w", id, err)
	}
	return &store.Client{
		ID: id, Revision: r.int("v"), Disabled: c.Disabled, Created: c.Created, Origin: c.Origin, Secrets: c.Secrets,
		Metadata: c.Metadata, Policy: c.Policy,
	}, nil
}

func (s *Store) clientKey(id string) string { return s.prefix + "cl:" + id }

// Client implements [store.Clients].
func (s *Store) Client(ctx context.Context, id string) (*store.Client, error) {
	out, err := s.run(ctx, "read client", s.lua.client, []string{s.clientKey(id)})
	if err != nil {
		return nil, err
	}
	return clientOf(id, rowAt(out, 1))
}

const putClientLua = `
local id, revision, body, x = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local h = call('HMGET', KEYS[2], 'v', 'x')
if h[2] == x then return {''} end
if h[1] and revision == '0' then return {'X'} end
if (h[1] or '0') ~= revision then return {'C'} end
call('HINCRBY', KEYS[2], 'v', 1)
call('HSET', KEYS[2], 'd', body, 'x', x)
call('ZADD', P .. 'cls', 0, id)
return {''}`

// PutClient implements [store.ClientWriter].
func (s *Store) PutClient(ctx context.Context, c *store.Client) error {
	n := c.Clone()
	for i := range n.Secrets {
		n.Secrets[i].NotBefore, n.Secrets[i].Expires = whole(n.Secrets[i].NotBefore), whole(n.Secrets[i].Expires)
	}
	body, err := json.Marshal(client{
		Disabled: n.Disabled, Created: whole(n.Created), Origin: n.Origin, Secrets: n.Secrets, Metadata: n.Metadata, Policy: n.Policy,
	})
	if err != nil {
		return fmt.Errorf("redisstore: put client %q: %w", c.ID, err)
	}
	_, err = s.run(ctx, "put client", s.lua.putClient, []string{s.clientKey(c.ID)}, c.ID, c.Revision, string(body), s.call())
	return err
}

const deleteClientLua = `
call('DEL', KEYS[2])
call('ZREM', P .. 'cls', ARGV[1])
return {''}`

// DeleteClient implements [store.ClientWriter].
func (s *Store) DeleteClient(ctx context.Context, id string) error {
	_, err := s.run(ctx, "delete client", s.lua.deleteClient, []string{s.clientKey(id)}, id)
	return err
}

const findClientsLua = scanLua + `
local after, n = ARGV[1], tonumber(ARGV[2])
return scan(KEYS[2], after, n, function(id) return call('HGETALL', P .. 'cl:' .. id) end)`

// FindClients implements [store.ClientWriter].
func (s *Store) FindClients(ctx context.Context, page store.Page) ([]*store.Client, error) {
	return find(ctx, s, "find clients", s.lua.findClients, s.prefix+"cls", page, clientOf)
}
