package server

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

// Scope is a scope of the server, and what people read about it on the consent page.
type Scope struct {
	Name        string
	Title       string // a few words: "Read your invoices". Empty: Name
	Description string // a sentence; may be empty
	Optional    bool   // people may untick it on the built-in consent page and allow the rest
	Public      bool   // clients that registered themselves may ask for it

	// Locales are Title and Description in other languages, by language tag: the built-in pages show those of their own language (Config.Locales), pages
	// of the application's own ask [Scope.In]. Default: none.
	Locales map[string]ScopeText
}

// ScopeText is what people read about a scope in one language. What is empty is that of the [Scope].
type ScopeText struct{ Title, Description string }

// In returns s with title and description in the language called tag, or the longest beginning of it that there are any for: "de-CH", then "de".
func (s Scope) In(tag string) Scope {
	for tag != "" {
		for own, text := range s.Locales {
			if strings.EqualFold(own, tag) {
				s.Title, s.Description = cmp.Or(text.Title, s.Title), cmp.Or(text.Description, s.Description)
				return s
			}
		}
		tag = tag[:max(0, strings.LastIndexByte(tag, '-'))]
	}
	return s
}

// check refuses languages that nobody could ask for.
func (s Scope) check() error {
	seen := make(map[string]bool, len(s.Locales))
	for _, tag := range slices.Sorted(maps.Keys(s.Locales)) {
		lower := strings.ToLower(tag)
		if !isLanguage(lower) || seen[lower] {
			return fmt.Errorf("server: scope %q has the language %q, which is not a tag such as \"de\" or \"pt-BR\", once", s.Name, tag)
		}
		seen[lower] = true
	}
	return nil
}

// clientScopes returns what c may ask for: empty means every scope of the server.
func clientScopes(c *store.Client) mandate.Scopes {
	if c.Policy.Scopes != "" || c.Metadata.Scope == "" {
		return c.Policy.Scopes
	}
	scopes, err := mandate.ParseScopes(c.Metadata.Scope)
	if err != nil {
		return "" // a writer of clients checks it; mayHave closes the door all the same
	}
	return scopes
}

// mayHave returns the scopes that c may ask for.
func (s *Server) mayHave(c *store.Client) mandate.Scopes {
	own := clientScopes(c)
	switch {
	case own != "":
		return own.Only(s.allScopes)
	case c.Origin == store.ByOperator && c.Metadata.Scope == "":
		return s.allScopes
	}
	return s.publicScopes()
}

// publicScopes returns the scopes that strangers' clients may ask for.
func (s *Server) publicScopes() mandate.Scopes {
	var public mandate.Scopes
	for name := range s.allScopes.All() {
		if s.scopes[name].Public {
			public = public.With(mandate.Scopes(name))
		}
	}
	return public
}

// scopesFor returns what c gets when it asks for asked, a parameter (RFC 6749, section 3.3).
func (s *Server) scopesFor(c *store.Client, asked string) (mandate.Scopes, error) {
	if len(asked) > maxScope {
		return "", mandate.Errorf(mandate.InvalidScope, nil, "scope is too long")
	}
	want, err := mandate.ParseScopes(asked)
	if err != nil {
		return "", err
	}
	may := s.mayHave(c)
	if want == "" {
		if want = c.Policy.Default; want == "" {
			want = s.config.DefaultScopes
		}
		if want = want.Only(may); want == "" && s.allScopes != "" {
			return "", mandate.Errorf(mandate.InvalidScope, nil, "scope is missing and there is no default")
		}
		return want, nil
	}
	if !may.Covers(want) {
		return "", mandate.Errorf(mandate.InvalidScope, nil, "scope has one that is unknown or that this client may not have")
	}
	return s.ownScopes(want), nil
}

// ownScopes returns want as a text that is not cut from a request: a stored token would keep the whole body alive.
func (s *Server) ownScopes(want mandate.Scopes) mandate.Scopes {
	if want == s.allScopes {
		return s.allScopes
	}
	if one, ok := s.scopes[string(want)]; ok {
		return mandate.Scopes(one.Name)
	}
	return mandate.Scopes(strings.Clone(string(want)))
}

// described appends the scopes of the configuration that names has, in its order.
func (s *Server) described(scopes []Scope, names mandate.Scopes) []Scope {
	if _, one := s.scopes[string(names)]; one { // nothing to cut
		return append(scopes, s.titled(string(names)))
	}
	for name := range names.All() {
		scopes = append(scopes, s.titled(name))
	}
	return scopes
}

func (s *Server) titled(name string) Scope {
	scope := s.scopes[name]
	scope.Name = name
	if scope.Title == "" {
		scope.Title = name
	}
	return scope
}

// resourcesFor returns the resources that c is granted when it asks for asked at the authorization endpoint (RFC 8707, section
// 2.1), in their registered spelling, parted by spaces. None asked is none granted: the default audience.
func (s *Server) resourcesFor(c *store.Client, asked []string) (string, error) {
	var granted []string
	for _, a := range asked {
		r, ok := s.resource(c, a)
		if !ok {
			return "", mandate.Errorf(mandate.InvalidTarget, nil, "resource is unknown or not for this client")
		}
		if !slices.Contains(granted, r) {
			granted = append(granted, r)
		}
	}
	return strings.Join(granted, " "), nil
}

// resource returns the registered spelling of a resource that c may ask for.
func (s *Server) resource(c *store.Client, asked string) (string, bool) {
	for _, r := range s.config.Resources {
		if oauth2.SameResource(r, asked) {
			return r, true
		}
	}
	for _, r := range s.config.DefaultAudience {
		if oauth2.SameResource(r, asked) {
			return r, true
		}
	}
	for r := range strings.FieldsSeq(c.Policy.Resources) {
		if oauth2.SameResource(r, asked) {
			return r, true
		}
	}
	return "", false
}

// audienceFor returns the audience of an access token: what is asked for at the token endpoint, which must be
// among granted where that names any; nothing asked is all granted.
func (s *Server) audienceFor(c *store.Client, asked []string, granted string) ([]string, error) {
	if len(asked) == 0 {
		if granted == "" {
			return nil, nil
		}
		return strings.Fields(granted), nil
	}
	list, err := s.resourcesFor(c, asked)
	if err != nil {
		return nil, err
	}
	audience := strings.Fields(list)
	if granted != "" {
		have := strings.Fields(granted)
		for _, r := range audience {
			if !slices.Contains(have, r) {
				return nil, mandate.Errorf(mandate.InvalidTarget, nil, "resource was not granted")
			}
		}
	}
	return audience, nil
}
