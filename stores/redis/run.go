package redisstore

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// script is a Lua script. All of them answer a list whose first value is a verdict.
type script struct {
	*redis.Script
	reads bool // and writes nothing
}

// run runs a script on the primary. Its first key is the set of ends, whatever it does. What it answers comes beside the verdict.
func (s *Store) run(ctx context.Context, what string, sc script, keys []string, args ...any) ([]any, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	keys = append([]string{s.due}, keys...)
	var cmd *redis.Cmd
	var err error
	if sc.reads || s.config.Replicas == 0 {
		cmd = sc.Run(ctx, s.client, keys, args...)
	} else if cmd, err = s.replicated(ctx, sc, keys, args); err != nil {
		return nil, outage(what, err)
	}
	out, err := cmd.Slice()
	if err != nil {
		return nil, outage(what, err)
	}
	return out, verdict(what, text(out, 0))
}

// outage says what was done when Redis could not be asked. Time that ran out on a connection, or while all were in use, is a deadline too.
func outage(what string, err error) error {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() || errors.Is(err, redis.ErrPoolTimeout) {
		err = errors.Join(context.DeadlineExceeded, err)
	}
	return fmt.Errorf("redisstore: %s: %w", what, err)
}

// replicated runs a script and waits for the replicas, on one connection: WAIT knows what was written on its own.
func (s *Store) replicated(ctx context.Context, sc script, keys []string, args []any) (*redis.Cmd, error) {
	node, err := s.node(ctx)
	if err != nil {
		return nil, err
	}
	var cmd, wait *redis.Cmd
	for _, eval := range []func(p redis.Pipeliner) *redis.Cmd{
		func(p redis.Pipeliner) *redis.Cmd { return sc.EvalSha(ctx, p, keys, args...) },
		func(p redis.Pipeliner) *redis.Cmd { return sc.Eval(ctx, p, keys, args...) },
	} {
		_, err = node.Pipelined(ctx, func(p redis.Pipeliner) error {
			cmd = eval(p)
			wait = p.Do(ctx, "WAIT", s.config.Replicas, s.config.Wait.Milliseconds())
			return nil
		})
		if !redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	if n, err := wait.Int(); err != nil || n < s.config.Replicas {
		return nil, fmt.Errorf("%d of %d replicas had the write within %v: %w", n, s.config.Replicas, s.config.Wait, errors.Join(err, errBehind))
	}
	return cmd, nil
}

// errBehind is no verdict: the write was made, and may be lost.
var errBehind = errors.New("replicas are behind")

// verdict returns the error that a script's letter stands for.
func verdict(what, letter string) error {
	switch letter {
	case "":
		return nil
	case "N":
		return store.ErrNotFound
	case "X":
		return store.ErrExists
	case "C":
		return store.ErrConflict
	case "U":
		return store.ErrUsed
	case "E":
		return store.ErrExpired
	case "R":
		return store.ErrRevoked
	default:
		return fmt.Errorf("redisstore: %s: the script answered %q", what, letter)
	}
}

// text returns the value at i of an answer.
func text(out []any, i int) string {
	if i >= len(out) {
		return ""
	}
	switch v := out[i].(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	default:
		return ""
	}
}

// row is a hash as Redis tells it.
type row map[string]string

// rowAt returns the hash at i of an answer.
func rowAt(out []any, i int) row {
	if i >= len(out) {
		return nil
	}
	list, _ := out[i].([]any)
	r := make(row, len(list)/2)
	for j := 0; j+1 < len(list); j += 2 {
		r[text(list, j)] = text(list, j+1)
	}
	return r
}

func (r row) int(name string) int64 {
	n, _ := strconv.ParseInt(r[name], 10, 64)
	return n
}

func (r row) time(name string) time.Time { return fromMilli(r.int(name)) }

// key returns d as it stands in a key: "" for none.
func key(d mandate.Digest) string {
	if d.IsZero() {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(d[:])
}

// fromKey undoes key.
func fromKey(s string) (d mandate.Digest) {
	b, _ := base64.RawURLEncoding.Strict().DecodeString(s)
	copy(d[:], b)
	return d
}

// milli returns t in milliseconds as Redis keeps it; a zero time is "0".
func milli(t time.Time) string {
	if t.IsZero() {
		return "0"
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}

func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// whole cuts t to the milliseconds that a store keeps.
func whole(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}

// limit returns how many records page asks for.
func limit(page store.Page) int {
	if page.Limit <= 0 {
		return 100
	}
	return page.Limit
}
