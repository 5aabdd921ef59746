package backend

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	redisstore "github.com/go-mandate/mandate/stores/redis"
)

// Redis is a Redis with four ways to redeem a code.
type Redis struct {
	Close

	Store    store.Store
	Ours     *Way
	Script   *Way // a script that does no more than it must
	Commands *Way // one command after another, with nothing that keeps two from spending one code
	Watched  *Way // a transaction that watches the grant

	client *redis.Client
	prefix string
}

// OpenRedis uses the Redis at a URL, under a prefix of its own.
func OpenRedis(ctx context.Context, url string) (*Redis, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	options.ContextTimeoutEnabled = true
	options.PoolSize, options.MinIdleConns = connections, connections
	r := &Redis{client: redis.NewClient(options), prefix: "bench" + rand.Text()}
	r.Close = Close{r.client.Close, r.clear}
	if r.Store, err = redisstore.New(r.client, redisstore.Config{Prefix: r.prefix}); err != nil {
		return r, err
	}
	var errs [4]error
	r.Ours, errs[0] = of(ctx, r.Store)
	r.Script, errs[1] = newWay(ctx, r, r.script)
	r.Commands, errs[2] = newWay(ctx, r, r.commands)
	r.Watched, errs[3] = newWay(ctx, r, r.watched)
	return r, errors.Join(errs[:]...)
}

// clear removes what was put.
func (r *Redis) clear() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for cursor := uint64(0); ; {
		names, next, err := r.client.Scan(ctx, cursor, "{"+r.prefix+"*", 1000).Result()
		if err == nil && len(names) > 0 {
			err = r.client.Unlink(ctx, names...).Err()
		}
		if cursor = next; err != nil || cursor == 0 {
			return err
		}
	}
}

func (r *Redis) grant(id string) string { return "{" + r.prefix + "raw}:g:" + id }

func (r *Redis) token(key mandate.Digest) string {
	return "{" + r.prefix + "raw}:t:" + base64.RawURLEncoding.EncodeToString(key[:])
}

// CreateGrant makes the grant of a script written by hand: a hash.
func (r *Redis) CreateGrant(ctx context.Context, g store.Grant) error {
	return r.client.HSet(ctx, r.grant(g.ID), "g", 0, "e", g.Expires.UnixMilli(), "r", 0, "c", g.ClientID, "s", g.Subject, "q", g.KeyID).Err()
}

// raw moves the grant if it is where it was, alive and not over, and sets the token.
//
//nolint:gochecknoglobals // constant by nature
var raw = redis.NewScript(`
local h = redis.call('HMGET', KEYS[1], 'g', 'e', 'r')
if h[1] ~= ARGV[1] or h[3] ~= '0' or tonumber(h[2]) <= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], 'g', ARGV[2], 'a', ARGV[3], 'e', ARGV[4], 'q', ARGV[5])
redis.call('PEXPIREAT', KEYS[1], ARGV[4])
redis.call('SET', KEYS[2], ARGV[6], 'PX', ARGV[7])
return 1`)

func (r *Redis) script(ctx context.Context, d store.Redemption) error {
	b, err := body(d.Token)
	if err != nil {
		return err
	}
	n, err := raw.Run(ctx, r.client, []string{r.grant(d.GrantID), r.token(d.Key)},
		d.From, d.From+1, d.Now.UnixMilli(), d.Expires.UnixMilli(), d.KeyID, b, lifetime.Milliseconds()).Int()
	if err == nil && n != 1 {
		return errLost
	}
	return err
}

// commands reads the grant, moves it, sets its end and puts the token: four commands and four round trips.
func (r *Redis) commands(ctx context.Context, d store.Redemption) error {
	b, err := body(d.Token)
	if err != nil {
		return err
	}
	key := r.grant(d.GrantID)
	if err := may(ctx, r.client, key, d); err != nil {
		return err
	}
	if err := r.client.HSet(ctx, key, moved(d)...).Err(); err != nil {
		return err
	}
	if err := r.client.PExpireAt(ctx, key, d.Expires).Err(); err != nil {
		return err
	}
	return r.client.Set(ctx, r.token(d.Key), b, lifetime).Err()
}

// watched does the same in a transaction that fails where somebody else moved the grant: WATCH, HMGET, MULTI to EXEC, and UNWATCH.
func (r *Redis) watched(ctx context.Context, d store.Redemption) error {
	b, err := body(d.Token)
	if err != nil {
		return err
	}
	key := r.grant(d.GrantID)
	return r.client.Watch(ctx, func(tx *redis.Tx) error {
		if err := may(ctx, tx, key, d); err != nil {
			return err
		}
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.HSet(ctx, key, moved(d)...)
			p.PExpireAt(ctx, key, d.Expires)
			p.Set(ctx, r.token(d.Key), b, lifetime)
			return nil
		})
		return err
	}, key)
}

// may reads whether the grant may be moved.
func may(ctx context.Context, c redis.Cmdable, key string, d store.Redemption) error {
	h, err := c.HMGet(ctx, key, "g", "e", "r").Result()
	if err != nil {
		return err
	}
	if text, ok := h[1].(string); ok && h[0] == strconv.FormatInt(d.From, 10) && h[2] == "0" {
		if end, err := strconv.ParseInt(text, 10, 64); err == nil && d.Now.UnixMilli() < end {
			return nil
		}
	}
	return errLost
}

func moved(d store.Redemption) []any {
	return []any{"g", d.From + 1, "a", d.Now.UnixMilli(), "e", d.Expires.UnixMilli(), "q", d.KeyID}
}
