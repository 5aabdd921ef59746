// Package oauth1 is OAuth 1.0 (RFC 5849) on the wire, with no I/O: it reads the protocol parameters of a
// request, builds the signature base string, signs and verifies. Both sides of the protocol share it, and
// signing and verifying go the same way.
//
// A server reads a request with [Parse], finds out whose keys it is to be verified with, and asks
// [Message.Verify]. Whether the timestamp is recent and the nonce unused is the provider's to know, after
// the signature. A client makes a [Signer] and sends what [Signer.Sign] returns; the transport of package
// client does both for net/http.
package oauth1
