package server

import (
	"strconv"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// The roles of the server's cookies.
const (
	cookieBrowser = "browser" // binds pending requests to the browser
	cookieSession = "session" // who is signed in at the built-in pages
)

// cookieName returns the name of a cookie. It carries the issuer, so that two on one host do not read each other's. On plain
// http, which is loopback alone, a prefix or Secure would keep some browsers from storing it.
func (s *Server) cookieName(role string) string {
	name := "mandate-" + role + "-" + s.cookieTag
	if s.at.secure {
		return "__Host-" + name
	}
	return name
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
