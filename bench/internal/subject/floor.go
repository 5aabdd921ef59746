package subject

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// kept is what stands under a digest: a token, a code, a refresh token.
type kept struct {
	client, scopes, subject string
	challenge, redirect     string // of a code
	expires                 time.Time
}

// shelf is a map in 64 parts, each behind a lock.
type shelf [64]struct {
	mu   sync.RWMutex // guards rows
	rows map[[sha256.Size]byte]*kept
}

func newShelf() *shelf {
	s := new(shelf)
	for i := range s {
		s[i].rows = make(map[[sha256.Size]byte]*kept)
	}
	return s
}

func (s *shelf) put(key [sha256.Size]byte, k *kept) {
	part := &s[key[0]%64]
	part.mu.Lock()
	part.rows[key] = k
	part.mu.Unlock()
}

func (s *shelf) get(key [sha256.Size]byte) *kept {
	part := &s[key[0]%64]
	part.mu.RLock()
	defer part.mu.RUnlock()
	return part.rows[key]
}

func (s *shelf) take(key [sha256.Size]byte) *kept {
	part := &s[key[0]%64]
	part.mu.Lock()
	defer part.mu.Unlock()
	k := part.rows[key]
	delete(part.rows, key)
	return k
}

// digestOf returns the SHA-256 of text without a copy of it on the heap.
func digestOf(text string) [sha256.Size]byte {
	var b [128]byte
	return sha256.Sum256(append(b[:0], text...))
}

// issue keeps k under the digest of a new random text, which it returns.
func (s *shelf) issue(k *kept) string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	text := base64.RawURLEncoding.EncodeToString(b[:])
	s.put(digestOf(text), k)
	return text
}

// floor is an authorization server that knows the requests measured here and nothing else. It is written for cost, forgets nothing that is over, and tells
// no family of a refresh token from another: not a server to run, but a bound that says how far one is from what there is to be had.
type floor struct {
	access, refresh, codes *shelf
	digest                 [sha256.Size]byte // of the secret
}

// Floor returns the hand-written lower bound of the token endpoint.
func Floor() http.Handler {
	f := &floor{newShelf(), newShelf(), newShelf(), sha256.Sum256([]byte(secret))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", f.authorize)
	mux.HandleFunc("POST /token", f.token)
	return mux
}

// params calls f with each parameter.
func params(s string, f func(name, value string)) {
	for pair := range strings.SplitSeq(s, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if strings.ContainsAny(value, "%+") {
			value, _ = url.QueryUnescape(value)
		}
		f(name, value)
	}
}

func (f *floor) authorize(w http.ResponseWriter, r *http.Request) {
	var kind, client, to, state, method string
	k := &kept{subject: "u", expires: time.Now().Add(time.Minute)}
	params(r.URL.RawQuery, func(name, value string) {
		switch name {
		case "response_type":
			kind = value
		case "client_id":
			client = value
		case "redirect_uri":
			to = value
		case "scope":
			k.scopes = value
		case "state":
			state = value
		case "code_challenge":
			k.challenge = value
		case "code_challenge_method":
			method = value
		}
	})
	if kind != "code" || client != app || to != redirectURI || k.scopes != scope || method != "S256" || len(k.challenge) != 43 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	k.client, k.redirect = app, redirectURI
	w.Header()["Location"] = []string{redirectURI + "?code=" + f.codes.issue(k) + "&state=" + url.QueryEscape(state)}
	w.WriteHeader(http.StatusFound)
}

func (f *floor) token(w http.ResponseWriter, r *http.Request) {
	data := make([]byte, min(max(r.ContentLength, 0), 64<<10))
	if _, err := io.ReadFull(r.Body, data); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var grant, client, code, to, proof, refresh, scopes string
	params(string(data), func(name, value string) {
		switch name {
		case "grant_type":
			grant = value
		case "client_id":
			client = value
		case "code":
			code = value
		case "redirect_uri":
			to = value
		case "code_verifier":
			proof = value
		case "refresh_token":
			refresh = value
		case "scope":
			scopes = value
		}
	})
	now := time.Now()
	var k *kept
	switch grant {
	case "client_credentials":
		id, given, _ := r.BasicAuth()
		if have := digestOf(given); id == machine && scopes == scope && subtle.ConstantTimeCompare(have[:], f.digest[:]) == 1 {
			f.answer(w, &kept{client: machine, scopes: scope, expires: now.Add(time.Hour)}, "")
			return
		}
	case "authorization_code":
		sum := digestOf(proof)
		k = f.codes.take(digestOf(code))
		if k != nil && (to != k.redirect || base64.RawURLEncoding.EncodeToString(sum[:]) != k.challenge) {
			k = nil
		}
	case "refresh_token":
		k = f.refresh.take(digestOf(refresh))
	}
	if k == nil || k.client != client || now.After(k.expires) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	next := &kept{client: app, scopes: scope, subject: k.subject, expires: now.Add(time.Hour)}
	f.answer(w, next, f.refresh.issue(next))
}

func (f *floor) answer(w http.ResponseWriter, k *kept, refresh string) {
	b := append(make([]byte, 0, 256), `{"access_token":"`...)
	b = append(b, f.access.issue(k)...)
	b = append(b, `","token_type":"Bearer","expires_in":3600,"scope":"`...)
	b = append(b, k.scopes...)
	if refresh != "" {
		b = append(b, `","refresh_token":"`...)
		b = append(b, refresh...)
	}
	b = append(b, `"}`...)
	h := w.Header()
	h["Content-Type"], h["Cache-Control"], h["Pragma"] = kindField, noStore, noCache
	_, _ = w.Write(b)
}

type floorKey struct{}

// FiberFloor returns the measured route on Fiber behind the hand-written lower bound of a guard, with [Tokens] live tokens, and one of them.
func FiberFloor() (fasthttp.RequestHandler, string) {
	s := newShelf()
	var token string
	for range Tokens {
		token = s.issue(&kept{client: "web", scopes: "read write", subject: "u", expires: time.Now().Add(12 * time.Hour)})
	}
	return Fiber(func(c *fiber.Ctx) error {
		text, ok := strings.CutPrefix(c.Get(fiber.HeaderAuthorization), "Bearer ")
		var k *kept
		if ok {
			k = s.get(digestOf(text))
		}
		if k == nil || time.Now().After(k.expires) || !strings.Contains(" "+k.scopes+" ", " "+scope+" ") {
			return c.SendStatus(fiber.StatusUnauthorized)
		}
		c.Context().SetUserValue(floorKey{}, k)
		return c.Next()
	}), token
}
