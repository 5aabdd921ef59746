package server

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
	"unsafe"

	mandate "github.com/go-mandate/mandate/core"
)

// tokenAnswer is an answer of the token endpoint and the tokens that are in it, in one piece of memory. Each part is written once.
type tokenAnswer struct {
	mandate.Response
	access  [len(defaultPrefix) + 2 + 43]byte
	refresh room
	body    [224]byte
}

// textOf returns b as a string without copying it. Nobody writes to b again.
func textOf(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) // #nosec G103 -- read only from here on
}

// write returns the answer of the token endpoint (RFC 6749, section 5.1).
func (t *TokenResponse) write(now time.Time, answer *tokenAnswer) (*mandate.Response, error) {
	b := answer.body[:0]
	if need := len(t.AccessToken) + len(t.RefreshToken) + len(t.Scopes) + 96; need > len(answer.body) { // a JWT
		b = make([]byte, 0, need)
	}
	b = append(b, `{"access_token":`...)
	b = appendString(b, t.AccessToken)
	b = append(b, `,"token_type":`...)
	b = appendString(b, t.TokenType)
	if !t.Expires.IsZero() {
		b = append(b, `,"expires_in":`...)
		b = strconv.AppendInt(b, int64(t.Expires.Sub(now)/time.Second), 10)
	}
	if t.RefreshToken != "" {
		b = append(b, `,"refresh_token":`...)
		b = appendString(b, t.RefreshToken)
	}
	b = append(b, `,"scope":`...)
	b = appendString(b, string(t.Scopes))
	if len(t.Members) > 0 {
		var err error
		if b, err = appendMembers(b, t.Members); err != nil {
			return nil, err
		}
	}
	answer.Response = mandate.Response{Status: 200, Header: jsonHeader, Body: append(b, '}')}
	return &answer.Response, nil
}

// appendMembers appends more members, in the order of their names, and leaves out those that are the server's own.
func appendMembers(b []byte, members map[string]any) ([]byte, error) {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		switch name {
		case "access_token", "token_type", "expires_in", "refresh_token", "scope":
			continue
		}
		value, err := json.Marshal(members[name])
		if err != nil {
			return nil, fault("encode member "+name, err)
		}
		b = appendString(append(b, ','), name)
		b = append(append(b, ':'), value...)
	}
	return b, nil
}

// appendString appends s as a JSON string. What the server makes itself needs no escapes.
func appendString(b []byte, s string) []byte {
	if !plain(s) {
		quoted, _ := json.Marshal(s) // a string always can be
		return append(b, quoted...)
	}
	return append(append(append(b, '"'), s...), '"')
}
