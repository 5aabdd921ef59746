// Package redisstore keeps grants, tokens and everything else of package store in Redis 5 or newer, or in Valkey.
//
//	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379", ContextTimeoutEnabled: true})
//	s, err := redisstore.New(rdb, redisstore.Config{})
//	if err != nil { ... }
//	if err := s.Check(ctx); err != nil { ... }
//
// It can also stand for the short-lived parts alone, beside a database:
//
//	all := store.Override(database, store.Parts{Tickets: s, Replay: s})
//
// # What it promises, and what Redis has to do for it
//
// Every gate is one script, and every script runs on the primary, also where the client sends reads to replicas. So of any number
// of calls, from any number of processes, exactly one passes: as long as there is one primary, and it forgets nothing.
//
//   - maxmemory-policy has to be noeviction. With another one, a Redis that is full forgets which codes were used.
//     [Store.Check] finds out where it may.
//   - Persistence is Redis's: with appendfsync always nothing that was answered is lost in a crash, with everysec up to a second is,
//     and what was spent in that second can be spent again.
//   - Replicas follow the primary a little behind. A replica that becomes the primary may not know the latest writes; with
//     [Config.Replicas] a write is not answered before that many replicas have it, which makes that unlikely, and
//     not impossible. Whoever needs more keeps grants in a database and the short-lived parts here.
//   - A client that sends a command again, because the connection broke before the answer, gets the answer of
//     its first attempt: it is not taken for somebody who uses a code twice.
//
// Set ContextTimeoutEnabled in the options of the client, or a Redis that does not answer is waited for until ReadTimeout,
// whatever the deadline of the request.
//
// # In a cluster
//
// All keys of a store share one hash tag, its prefix: what is looked up is known by a digest alone, which cannot tell the slot of
// its family. A store is thus one slot of a cluster, and lives on one node. Several issuers with a prefix each spread.
//
// # What grows
//
// Nothing. Records that end are in one sorted set by their end, and Prune removes them with all that points at them; where nobody
// calls it, writes that add a record remove some that have been over for an hour. Besides, Redis itself drops a record a
// day after its end, and the token that a redemption put, which Prune leaves, an hour after. Ends are compared with the time that the caller tells, never with the server's clock, so
// tests with a clock of their own work.
package redisstore
