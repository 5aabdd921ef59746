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

// compareArgon2id reports whether hash, in PHC string form, is secret's.
func compareArgon2id(hash, secret string) bool {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return false
	}
	var memory, time uint32
	var threads uint8
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &time, &threads); err != nil {
		return false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) < 16 || len(want) > 64 || time < 1 || time > maxArgonTime || threads < 1 || memory > maxArgonMemory {
		return false
	}
	have := argon2.IDKey([]byte(secret), salt, time, memory, threads, uint32(len(want))) // #nosec G115 -- at most 64
	return subtle.ConstantTimeCompare(have, want) == 1
}
