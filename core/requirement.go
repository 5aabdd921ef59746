package mandate

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Requirement is what is demanded of a valid token. The functions [Scope], [AnyScope], [Role], [Group],
// [Entitlement], [ClientOnly], [Audience], [ACR], [MaxAge] and [Func] make one; [AllOf], [AnyOf] and [Not] combine
// them. It is made once and then only read: a check parses and allocates nothing. The zero value demands nothing.
//
// A requirement that makes no sense (an empty scope, an alternative of nothing) is met by no token: a
// slip of the pen closes a route, it never opens one. [Requirement.Err] says what is wrong.
type Requirement struct {
	check  func(t *Token, now time.Time) Code // nil: met by every token
	scopes Scopes
	acr    []string
	maxAge time.Duration
	aged   bool
	text   string
	err    error
}

// String says in words what is demanded, for logs: "scope a b", "all of (scope a, role lead)".
func (q Requirement) String() string {
	switch {
	case q.err != nil:
		return q.err.Error()
	case q.text == "":
		return "any token"
	}
	return q.text
}

// Check returns "" if t meets the requirement at now. Otherwise it returns [InsufficientScope],
// [InsufficientUserAuthentication] (sign in again, RFC 9470) or [InvalidToken] (made for another audience).
func (q Requirement) Check(t *Token, now time.Time) Code {
	if t == nil {
		return InvalidToken
	}
	if q.check == nil {
		return ""
	}
	return q.check(t, now)
}

// Err returns why no token can ever meet the requirement, or nil.
func (q Requirement) Err() error { return q.err }

// Scopes returns the scopes that a refusal tells the client to ask for. Of alternatives it is the first.
func (q Requirement) Scopes() Scopes { return q.scopes }

// ACR returns the authentication context classes that a refusal names (RFC 9470).
func (q Requirement) ACR() []string { return slices.Clone(q.acr) }

// MaxAge returns the age of the sign-in that a refusal names (RFC 9470), and whether it names one.
func (q Requirement) MaxAge() (time.Duration, bool) { return q.maxAge, q.aged }

// Scope is met by a token that has all of names. A name may hold several, parted by spaces. Without names it is met by
// every token.
func Scope(names ...string) Requirement {
	var want Scopes
	for _, name := range names {
		scopes, err := ParseScopes(name)
		if err != nil || scopes == "" {
			return never(fmt.Errorf("mandate: %q is not a scope", name))
		}
		want = want.With(scopes)
	}
	if want == "" {
		return Requirement{}
	}
	q := Requirement{scopes: want, text: "scope " + string(want), check: func(t *Token, _ time.Time) Code {
		if t.scopes.Covers(want) {
			return ""
		}
		return InsufficientScope
	}}
	if strings.IndexByte(string(want), ' ') < 0 { // one, as nearly everywhere
		q.check = func(t *Token, _ time.Time) Code {
			if t.scopes.has(string(want)) {
				return ""
			}
			return InsufficientScope
		}
	}
	return q
}

// AnyScope is met by a token that has all scopes of one of alternatives: AnyScope("a b", "c") is (a and b) or c.
// Without alternatives it is met by no token.
func AnyScope(alternatives ...string) Requirement {
	parts := make([]Requirement, len(alternatives))
	for i, a := range alternatives {
		parts[i] = Scope(a)
	}
	return AnyOf(parts...)
}

// Role is met by a token whose "roles" claim (RFC 9068, section 2.2.3.1) has one of names.
func Role(names ...string) Requirement { return listed("roles", "role", names) }

// Group is met by a token whose "groups" claim has one of names.
func Group(names ...string) Requirement { return listed("groups", "group", names) }

// Entitlement is met by a token whose "entitlements" claim has one of names.
func Entitlement(names ...string) Requirement { return listed("entitlements", "entitlement", names) }

func listed(claim, word string, names []string) Requirement {
	names = slices.Clone(names)
	if len(names) == 0 || slices.Contains(names, "") {
		return never(fmt.Errorf("mandate: requirement of %s names none, or an empty one", claim))
	}
	return Requirement{text: word + " " + strings.Join(names, " or "), check: func(t *Token, _ time.Time) Code {
		if slices.ContainsFunc(t.list(claim), func(have string) bool { return slices.Contains(names, have) }) {
			return ""
		}
		return InsufficientScope
	}}
}

// ClientOnly is met by a token of a client that acts for itself: client credentials.
func ClientOnly() Requirement {
	return Requirement{text: "a client that acts for itself", check: func(t *Token, _ time.Time) Code {
		if t.subject == "" && t.client != "" {
			return ""
		}
		return InsufficientScope
	}}
}

// Audience is met by a token that names one of resources (RFC 8707), compared as [SameResource] does. A token that names
// no audience does not meet it.
func Audience(resources ...string) Requirement {
	resources = slices.Clone(resources)
	if len(resources) == 0 || slices.Contains(resources, "") {
		return never(fmt.Errorf("mandate: requirement of an audience names none, or an empty one"))
	}
	return Requirement{text: "audience " + strings.Join(resources, " or "), check: func(t *Token, _ time.Time) Code {
		if slices.ContainsFunc(t.audience, func(have string) bool {
			return slices.ContainsFunc(resources, func(want string) bool { return SameResource(want, have) })
		}) {
			return ""
		}
		return InvalidToken
	}}
}

// ACR is met by a token whose subject signed in with one of classes (RFC 9470).
func ACR(classes ...string) Requirement {
	classes = slices.Clone(classes)
	if len(classes) == 0 || slices.ContainsFunc(classes, func(c string) bool { return c == "" || strings.ContainsAny(c, " \"\\") || Printable(c) != c }) {
		return never(fmt.Errorf("mandate: %q is not a list of authentication context classes", classes))
	}
	return Requirement{acr: classes, text: "acr " + strings.Join(classes, " or "), check: func(t *Token, _ time.Time) Code {
		if slices.Contains(classes, t.ACR()) {
			return ""
		}
		return InsufficientUserAuthentication
	}}
}

// MaxAge is met by a token whose subject signed in at most age ago (RFC 9470).
func MaxAge(age time.Duration) Requirement {
	if age < 0 {
		return never(fmt.Errorf("mandate: maximum age %v is negative", age))
	}
	return Requirement{maxAge: age, aged: true, text: "a sign-in of at most " + age.String() + " ago", check: func(t *Token, now time.Time) Code {
		if at := t.AuthTime(); !at.IsZero() && now.Sub(at) <= age {
			return ""
		}
		return InsufficientUserAuthentication
	}}
}

// Func is met by a token for which ok returns true. name says in logs what it checks.
func Func(name string, ok func(t *Token) bool) Requirement {
	if ok == nil {
		return never(fmt.Errorf("mandate: requirement %q has no function", name))
	}
	return Requirement{text: name, check: func(t *Token, _ time.Time) Code {
		if ok(t) {
			return ""
		}
		return InsufficientScope
	}}
}

// AllOf is met by a token that meets all of parts. Without parts it is met by every token.
func AllOf(parts ...Requirement) Requirement {
	parts = slices.Clone(parts)
	switch len(parts) {
	case 0:
		return Requirement{}
	case 1:
		return parts[0]
	}
	all := Requirement{text: "all of " + texts(parts)}
	for _, p := range parts {
		if p.err != nil {
			return never(p.err)
		}
		all.scopes = all.scopes.With(p.scopes)
		all.acr = append(all.acr, p.acr...)
		if p.aged && (!all.aged || p.maxAge < all.maxAge) {
			all.maxAge, all.aged = p.maxAge, true
		}
	}
	all.check = func(t *Token, now time.Time) Code {
		for _, p := range parts {
			if code := p.Check(t, now); code != "" {
				return code
			}
		}
		return ""
	}
	return all
}

// AnyOf is met by a token that meets one of parts. Without parts it is met by no token, and a part that makes no
// sense spoils them all. A refusal names what the first part demands.
func AnyOf(parts ...Requirement) Requirement {
	parts = slices.Clone(parts)
	if len(parts) == 0 {
		return never(fmt.Errorf("mandate: a choice of no requirements"))
	}
	for _, p := range parts {
		if p.err != nil {
			return never(p.err)
		}
	}
	if len(parts) == 1 {
		return parts[0]
	}
	first := parts[0]
	first.text = "one of " + texts(parts)
	first.check = func(t *Token, now time.Time) Code {
		var refusal Code
		for _, p := range parts {
			code := p.Check(t, now)
			if code == "" {
				return ""
			}
			if refusal == "" {
				refusal = code
			}
		}
		return refusal
	}
	return first
}

// Not is met by a token that does not meet part: Not(ClientOnly()) is a token of a user, Not(Role("guest")) one without that role.
// Not of what every token meets, and of what makes no sense, is met by none. A refusal is [InsufficientScope] and names
// nothing to ask for. A token from which a scope is missing is not a better one for it: prefer to name what is needed.
func Not(part Requirement) Requirement {
	switch {
	case part.err != nil:
		return never(part.err)
	case part.check == nil:
		return never(fmt.Errorf("mandate: not any token: a requirement that nothing meets"))
	}
	return Requirement{text: "not " + part.String(), check: func(t *Token, now time.Time) Code {
		if part.check(t, now) != "" {
			return ""
		}
		return InsufficientScope
	}}
}

func texts(parts []Requirement) string {
	list := make([]string, len(parts))
	for i, p := range parts {
		list[i] = p.String()
	}
	return "(" + strings.Join(list, ", ") + ")"
}

func never(err error) Requirement {
	return Requirement{err: err, check: func(*Token, time.Time) Code { return InsufficientScope }}
}
