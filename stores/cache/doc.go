// Package cachestore keeps the short-lived parts of a store, tickets and replay, in memcached or in a directory: for an
// application that has one of the two already, and wants its database left alone by what is over in a minute.
//
//	c, err := cachestore.Open(cachestore.Settings{Type: "filesystem", Directory: "/var/lib/app/oauth"})
//	if err != nil { ... }
//	s := store.Override(database, store.Parts{Tickets: c, Replay: c})
//
// Nobody needs one. Authorization codes are part of their grant and are never in a cache; what comes here is pushed
// requests, device codes, temporary credentials of OAuth 1, and the memory of what was used once.
//
// # What is promised
//
// Each gate is one atomic step of the medium: memcached's add and compare-and-swap, the exclusive link of a file. Of any number of calls, from any
// number of processes, one passes. But a cache may forget, and what is forgotten can be used again:
//
//   - memcached drops what it has no room for, and everything when it starts again. Give it room, run it with -M (an error instead
//     of a loss), and share it with nobody. A list of several servers spreads the keys; changing the list moves them, and
//     what was on another server is forgotten.
//   - The directory keeps everything until its end, and refuses to grow beyond its threshold instead of dropping what counts. It is
//     one machine's: on a network file system exclusive links are not always exclusive. A power failure
//     may take the last seconds.
//
// Where that is not enough, leave the parts in the database, or use Redis: package redisstore.
package cachestore
