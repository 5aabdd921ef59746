// Package server is the authorization server: OAuth 2 as RFC 6749 and its successors have it, safe by
// default. [New] makes one of a [Config]; an adapter mounts it (mandategin.Mount and its siblings).
//
// A [Server] is one issuer. It keeps nothing but caches: all state is in the [store.Store], so that any
// number of processes over one database are one server.
package server
