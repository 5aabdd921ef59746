package owntables

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// werkzeug is the form of secrets that Werkzeug's generate_password_hash made.
const werkzeug store.SecretForm = "werkzeug"

// doc:start kept-secret

// keptSecret returns a column that may hold a secret in clear, or a hash of one.
func keptSecret(column string) (store.Secret, error) {
	switch {
	case strings.HasPrefix(column, "$"): // bcrypt or argon2id, told apart by how they begin
		return server.HashedSecret(column)
	case strings.HasPrefix(column, "pbkdf2:sha256:"):
		return store.Secret{Form: werkzeug, Value: []byte(column)}, nil // for Config.VerifySecret
	}
	return server.HashSecret(column), nil // in clear, as Authlib keeps it: generated, so a digest is enough
}

// doc:end

// doc:start werkzeug

// verifyWerkzeug is for Config.VerifySecret: "pbkdf2:sha256:600000$salt$hex".
func verifyWerkzeug(_ context.Context, kept store.Secret, secret string) (bool, error) {
	text, ok := strings.CutPrefix(string(kept.Value), "pbkdf2:sha256:")
	parts := strings.Split(text, "$")
	if kept.Form != werkzeug || !ok || len(parts) != 3 {
		return false, nil
	}
	rounds, _ := strconv.Atoi(parts[0])
	want, _ := hex.DecodeString(parts[2])
	if len(want) != sha256.Size || rounds < 1 || rounds > 2_000_000 { // a row must not be able to keep a core busy for an hour
		return false, nil
	}
	have, err := pbkdf2.Key(sha256.New, secret, []byte(parts[1]), rounds, len(want))
	return err == nil && subtle.ConstantTimeCompare(have, want) == 1, err
}

// doc:end
