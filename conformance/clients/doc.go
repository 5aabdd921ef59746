// Package clients drives other people's OAuth clients, as they are, against the provider on every framework: their idea of
// the protocol, not ours. It holds tests alone; run.sh runs them with what they need.
package clients
