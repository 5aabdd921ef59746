// Package oauth2 is OAuth 2 on the wire, with no I/O: client and server metadata, PKCE, challenges,
// redirect URIs and resource indicators. Both sides of the protocol share it.
package oauth2
