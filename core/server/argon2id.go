package server

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The most that a stored hash may ask for: a record must not be able to exhaust the process.
const (
	maxArgonMemory = 256 << 10 // KiB
	maxArgonTime   = 16
)

// argon2id is a hash of RFC 9106.
type argon2id struct {
	memory, time uint32
	threads      uint8
	salt, hash   []byte
}

// parseArgon2id reads a hash in PHC string form. It is false for one that asks for too much.
func parseArgon2id(text string) (argon2id, bool) {
	var a argon2id
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return a, false
	}
	const cost = "m=%d,t=%d,p=%d"
	if _, err := fmt.Sscanf(parts[3], cost, &a.memory, &a.time, &a.threads); err != nil || parts[3] != fmt.Sprintf(cost, a.memory, a.time, a.threads) {
		return a, false
	}
	var err1, err2 error
	a.salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	a.hash, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	return a, err1 == nil && err2 == nil && len(a.hash) >= 16 && len(a.hash) <= 64 && a.time >= 1 && a.time <= maxArgonTime && a.threads >= 1 && a.memory <= maxArgonMemory
}

// proves reports whether secret is the one that was hashed.
func (a argon2id) proves(secret string) bool {
	have := argon2.IDKey([]byte(secret), a.salt, a.time, a.memory, a.threads, uint32(len(a.hash))) // #nosec G115 -- at most 64
	return subtle.ConstantTimeCompare(have, a.hash) == 1
}
