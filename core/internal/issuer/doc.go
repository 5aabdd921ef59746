// Package issuer reads what an issuer publishes: documents with a time for which they are fresh, and the keys that it signs with.
package issuer
