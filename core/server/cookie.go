package server

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// The roles of the server's cookies.
const (
	cookieBrowser = "browser" // binds pending requests to the browser
	cookieSession = "session" // who is signed in at the built-in pages: a value for each, the current one first
)

// nameCookies makes the names of the cookies. They carry the issuer, so that two on one host do not read each other's. On plain
// http, which is loopback alone, a prefix or Secure would keep some browsers from storing them.
func (s *Server) nameCookies() {
	tag := sha256.Sum256([]byte(s.config.Issuer))
	prefix, suffix := "mandate-", "-"+hex.EncodeToString(tag[:4])
	if s.at.secure {
		prefix = "__Host-" + prefix
	}
	s.browserCookie, s.sessionCookie = prefix+cookieBrowser+suffix, prefix+cookieSession+suffix
}

func (s *Server) cookieName(role string) string {
	if role == cookieSession {
		return s.sessionCookie
	}
	return s.browserCookie
}

// setCookie returns the field that sets a cookie. A zero life ends with the browser.
func (s *Server) setCookie(role, value string, life time.Duration) mandate.Field {
	text := s.cookieName(role) + "=" + value + "; Path=/; HttpOnly; SameSite=Lax"
	if s.at.secure {
		text += "; Secure"
	}
	if life > 0 {
		text += "; Max-Age=" + strconv.FormatInt(int64(life/time.Second), 10)
	}
	return mandate.Field{Name: "Set-Cookie", Value: text}
}

// cookie returns the value of one of the server's cookies, or "".
func (s *Server) cookie(r *mandate.Request, role string) string { return r.Cookie(s.cookieName(role)) }
