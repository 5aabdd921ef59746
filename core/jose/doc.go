// Package jose signs and verifies JSON Web Tokens and keeps the keys for it: [Key] and [Ring] sign,
// [PublicKey] and [KeySet] verify.
//
// Whoever verifies names the algorithms that it takes; there is no default, and an empty list takes
// nothing. The algorithm "none" does not exist here. Symmetric algorithms work with [SignHMAC] and
// [VerifyHMAC] alone, so that a public key is never taken for a secret. Keys come from the caller,
// never from a token's header; [VerifyEmbedded] is the one exception, for proofs of possession.
//
// Everything that reads a token, a key or a key set is made for hostile input: sizes are bounded
// before anything is parsed, and members that are doubled or spelled in another case are no members.
//
// All types may be used by any number of goroutines.
package jose
