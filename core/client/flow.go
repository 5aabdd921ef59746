package client

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// How many flows a browser may have, and how many bytes their cookies: what servers and proxies take in headers is bounded, too.
const (
	maxFlows       = 8
	maxFlowCookies = 4 << 10
)

// The state is the time of its making, in seconds, and 128 random bits. The time orders the cookies of a browser.
const (
	stateBytes   = 4 + 16
	stateLetters = (stateBytes*8 + 5) / 6
)

// newFlow returns a flow with fresh secrets.
func (reg *Registry) newFlow(app, redirectURI string, now time.Time) (f *Flow, verifier [32]byte) {
	var state [stateBytes]byte
	binary.BigEndian.PutUint32(state[:], uint32(now.Unix())) // #nosec G115 -- good until 2106
	_, _ = rand.Read(state[4:])                              // never fails (crypto/rand)
	_, _ = rand.Read(verifier[:])
	f = &Flow{App: app, State: base64.RawURLEncoding.EncodeToString(state[:]), RedirectURI: redirectURI}
	f.derive(verifier, now)
	return f, verifier
}

// derive sets what follows from the verifier's bytes and the time. The nonce tells nothing about the verifier.
func (f *Flow) derive(verifier [32]byte, begun time.Time) {
	f.Verifier = base64.RawURLEncoding.EncodeToString(verifier[:])
	var of [6 + len(verifier)]byte
	copy(of[copy(of[:], "nonce "):], verifier[:])
	sum := sha256.Sum256(of[:])
	f.Nonce = base64.RawURLEncoding.EncodeToString(sum[:16])
	f.Begun = begun.Truncate(time.Second)
}

// stateTime returns when state was made, and whether it can be one.
func stateTime(state string) (time.Time, bool) {
	if len(state) != stateLetters {
		return time.Time{}, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(state)
	if err != nil {
		return time.Time{}, false
	}
	return time.Unix(int64(binary.BigEndian.Uint32(b)), 0), true
}

// The first byte of a sealed flow.
const (
	loginVersion  = 1
	logoutVersion = 2
)

// seal returns the cookie's value: only under its own name it can be opened.
func (reg *Registry) seal(f *Flow, verifier [32]byte, now time.Time) string {
	plain := make([]byte, 0, 1+len(verifier)+len(f.App)+len(f.RedirectURI)+len(f.ReturnTo)+len(f.Data)+len(f.Secret)+10)
	version := byte(loginVersion)
	if f.logout {
		version = logoutVersion
	}
	plain = append(plain, version)
	plain = append(plain, verifier[:]...)
	// Most redirect URIs begin with the base URL, which need not travel; what is left then begins with a slash, or is empty.
	redirect := strings.TrimPrefix(f.RedirectURI, reg.config.BaseURL)
	for _, s := range [...]string{f.App, redirect, f.ReturnTo, f.Data, f.Secret} {
		plain = binary.AppendUvarint(plain, uint64(len(s)))
		plain = append(plain, s...)
	}
	return base64.RawURLEncoding.EncodeToString(reg.sealer.Seal(plain, []byte(reg.cookie+f.State), now))
}

// open returns the flow that is sealed in a cookie, or nil.
func (reg *Registry) open(state, value string, now time.Time) *Flow {
	begun, ok := stateTime(state)
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || !ok {
		return nil
	}
	plain, err := reg.sealer.Open(sealed, []byte(reg.cookie+state), now)
	var verifier [32]byte
	if err != nil || len(plain) < 1+len(verifier) || plain[0] != loginVersion && plain[0] != logoutVersion {
		return nil
	}
	copy(verifier[:], plain[1:])
	f := &Flow{State: state, logout: plain[0] == logoutVersion}
	plain = plain[1+len(verifier):]
	for _, into := range [...]*string{&f.App, &f.RedirectURI, &f.ReturnTo, &f.Data, &f.Secret} {
		n, size := binary.Uvarint(plain)
		if size <= 0 || n > uint64(len(plain)-size) { // #nosec G115 -- size is at most the length
			return nil
		}
		*into = string(plain[size : size+int(n)]) // #nosec G115 -- at most the length
		plain = plain[size+int(n):]               // #nosec G115 -- at most the length
	}
	if scheme, _, ok := strings.Cut(f.RedirectURI, "://"); !ok || strings.ContainsAny(scheme, "/?#") {
		f.RedirectURI = reg.config.BaseURL + f.RedirectURI
	}
	f.derive(verifier, begun)
	return f
}

// setCookie returns the field that gives the browser the cookie of a flow. An answer that comes by a form of another site brings back only
// cookies of SameSite=None, which need https; without it the callback's own page posts again.
func (reg *Registry) setCookie(state, value string, crossSite bool) mandate.Field {
	line := reg.cookie + state + "=" + value + "; Path=/; Max-Age=" + strconv.Itoa(int(reg.config.FlowTTL/time.Second)) + "; HttpOnly; SameSite="
	switch {
	case crossSite && reg.secure:
		line += "None; Secure"
	case reg.secure:
		line += "Lax; Secure"
	default:
		line += "Lax"
	}
	return mandate.Field{Name: "Set-Cookie", Value: line}
}

// deleteCookie returns the field that takes the cookie of a flow away.
func (reg *Registry) deleteCookie(state string) mandate.Field {
	line := reg.cookie + state + "=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
	if reg.secure {
		line += "; Secure"
	}
	return mandate.Field{Name: "Set-Cookie", Value: line}
}

// flowCookie is the cookie of a flow.
type flowCookie struct {
	state, value string
	made         time.Time
}

func (c flowCookie) size(reg *Registry) int { return len(reg.cookie) + len(c.state) + len(c.value) }

// flowCookies returns what a browser has of flows, the newest first.
func (reg *Registry) flowCookies(r *mandate.Request) []flowCookie {
	var have []flowCookie
	for _, line := range r.Header.Values("Cookie") {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			name, value, _ := strings.Cut(strings.TrimLeft(pair, " \t"), "=")
			state, ok := strings.CutPrefix(name, reg.cookie)
			if !ok {
				continue
			}
			if made, ok := stateTime(state); ok {
				have = append(have, flowCookie{state, value, made})
			}
		}
	}
	slices.SortStableFunc(have, func(a, b flowCookie) int { return b.made.Compare(a.made) })
	return have
}

// surplus returns the states of r's oldest flows, as many as must go for one more whose cookie has size bytes.
func (reg *Registry) surplus(r *mandate.Request, size int) []string {
	have, total := reg.flowCookies(r), size
	for _, c := range have {
		total += c.size(reg)
	}
	var gone []string
	for n := len(have); n > 0 && (n >= maxFlows || total > maxFlowCookies); n-- {
		gone = append(gone, have[n-1].state)
		total -= have[n-1].size(reg)
	}
	return gone
}
