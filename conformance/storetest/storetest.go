// Package storetest is the definition of a correct store.
package storetest
