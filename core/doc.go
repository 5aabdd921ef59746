// Package mandate is the vocabulary of OAuth on the web: what every other package of the module
// speaks, and nothing that does anything. It knows no framework and no net/http.
//
// To guard an API, see package resource and the adapter of your framework. To be an authorization
// server, see package server. To write a store, see package store and the suite storetest.
//
// All types of this package are safe for concurrent use unless their comment says otherwise.
package mandate
