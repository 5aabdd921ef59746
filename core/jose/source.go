package jose

import (
	"context"
	"errors"
)

// KeySource has the public keys of an issuer. It may be called by any number of goroutines.
type KeySource interface {
	// KeySet returns the keys. Where an earlier call returned missing and no key of it fits a token, it returns a newer set if
	// there is one, and otherwise missing again; else missing is nil. An error means that nobody could tell.
	KeySet(ctx context.Context, missing *KeySet) (*KeySet, error)
}

// Found is what [VerifyFrom] found out.
type Found struct {
	Header  Header
	Key     *PublicKey // that signed
	Set     *KeySet    // that the key is of
	Payload []byte
}

// VerifyFrom is [VerifyKey] with the keys of an issuer: set, which source returned before, or, where that lacks the key, a newer one. A nil set
// means what source has. An error that is not [ErrInvalid] is source's: nobody could tell.
func VerifyFrom(ctx context.Context, source KeySource, set *KeySet, token string, allowed []Alg) (f Found, err error) {
	if set == nil {
		if set, err = source.KeySet(ctx, nil); err != nil {
			return f, unanswered{err}
		}
	}
	f.Set = set
	f.Header, f.Key, f.Payload, err = VerifyKey(token, set, allowed)
	if !errors.Is(err, ErrNoKey) {
		return f, err
	}
	newer, sourceErr := source.KeySet(ctx, set) // the issuer may have signed with a key that is not known yet: ask once more
	if sourceErr != nil {
		return f, unanswered{sourceErr}
	}
	if newer != set {
		f.Set = newer
		f.Header, f.Key, f.Payload, err = VerifyKey(token, newer, allowed)
	}
	return f, err
}

// unanswered is an error of a source. It hides what it is made of: that of a broken key set, say, is no verdict on a token.
type unanswered struct{ err error }

// Error implements error.
func (u unanswered) Error() string { return u.err.Error() }
