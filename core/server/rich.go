package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// RichType is one type of authorization details (RFC 9396): what a scope cannot say, such as which payment to whom. Clients ask with the parameter
// authorization_details at the authorization, the pushed request and the token endpoint; what was granted is in the token response, in the
// access token and in introspection. Its functions may be called from any number of goroutines.
type RichType struct {
	// Name is the "type" of its objects. Required.
	Name string
	// Check returns detail, an object of this type, as it is granted: with defaults filled in, without what does not count. An error refuses the
	// request with invalid_authorization_details, or with its own code where it is a *mandate.Error. Nil: any object is as good.
	Check func(ctx context.Context, c *store.Client, detail json.RawMessage) (json.RawMessage, error)
	// Describe says what a checked detail means, for the consent page: a few words, and a sentence that may be empty. Required: nobody
	// can allow what they are not told.
	Describe func(detail json.RawMessage) (title, text string)
	// Covers reports whether granted allows asked, both checked: a client may ask the token endpoint for less than it was granted. Nil: only
	// where they say the same.
	Covers func(granted, asked json.RawMessage) bool
	// Public lets clients that registered themselves ask for it, as Scope.Public does.
	Public bool
}

// RichDetail is one of the authorization details that are asked for.
type RichDetail struct {
	Type  string
	Title string          // what RichType.Describe says
	Text  string          // may be empty
	JSON  json.RawMessage // the object; never change it
}

const (
	maxRich        = 16 << 10 // of authorization_details, in bytes
	maxRichDetails = 32
)

// addRich takes up the registry.
func (s *Server) addRich() error {
	s.rich = make(map[string]*RichType, len(s.config.RichTypes))
	for i := range s.config.RichTypes {
		t := &s.config.RichTypes[i]
		switch {
		case t.Name == "" || !visible(t.Name, false) || s.rich[t.Name] != nil:
			return fmt.Errorf("server: RichTypes has the name %q, which must be visible ASCII, and there once", t.Name)
		case t.Describe == nil:
			return fmt.Errorf("server: RichTypes has %q without Describe: the consent page must say what is asked for", t.Name)
		}
		s.rich[t.Name] = t
	}
	return nil
}

// checkRich returns why c cannot ask for the types that it registered.
func (s *Server) checkRich(c *store.Client) error {
	for _, name := range c.Metadata.AuthorizationDetailsTypes {
		if s.rich[name] == nil {
			return fmt.Errorf("server: client %q has authorization_details_types %q, which is not among RichTypes", c.ID, name)
		}
	}
	return nil
}

// mayAskRich reports whether c may ask for details of type t.
func mayAskRich(c *store.Client, t *RichType) bool {
	if own := c.Metadata.AuthorizationDetailsTypes; len(own) > 0 && !slices.Contains(own, t.Name) {
		return false
	}
	return c.Origin == store.ByOperator || t.Public
}

func badRich(cause error, format string, args ...any) error {
	return mandate.Errorf(mandate.InvalidAuthorizationDetails, cause, format, args...)
}

// richFor returns what c gets when it asks for asked, the parameter: checked, each in one form, as a JSON array; "" where it asks for nothing.
func (s *Server) richFor(ctx context.Context, c *store.Client, asked string) (string, error) {
	details, err := s.readRich(asked)
	if err != nil || len(details) == 0 {
		return "", err
	}
	for i, d := range details {
		t := s.rich[d.Type]
		if !mayAskRich(c, t) {
			return "", badRich(nil, "authorization_details[%d]: the client may not ask for its type", i)
		}
		if t.Check == nil {
			continue
		}
		checked, err := t.Check(ctx, c, slices.Clone(d.JSON))
		if _, own := errors.AsType[*mandate.Error](err); own {
			return "", err
		} else if err != nil {
			return "", badRich(err, "authorization_details[%d] is not what its type allows", i)
		}
		if details[i].JSON, err = canonical(checked); err != nil || typeOf(details[i].JSON) != d.Type {
			return "", fmt.Errorf("RichType %q: Check returned no object of that type", d.Type)
		}
	}
	return joinRich(details), nil
}

// readRich reads the parameter: a JSON array of objects, each of a type that the server knows.
func (s *Server) readRich(text string) ([]RichDetail, error) {
	if text == "" {
		return nil, nil
	}
	var list []json.RawMessage
	switch {
	case len(text) > maxRich || !utf8.ValidString(text):
		return nil, badRich(nil, "authorization_details is too long, or not UTF-8")
	case !strings.HasPrefix(strings.TrimSpace(text), "[") || json.Unmarshal([]byte(text), &list) != nil:
		return nil, badRich(nil, "authorization_details is not a JSON array")
	case len(list) > maxRichDetails:
		return nil, badRich(nil, "authorization_details has more than %d elements", maxRichDetails)
	}
	details := make([]RichDetail, 0, len(list))
	for i, raw := range list {
		object, err := canonical(raw)
		if err != nil {
			return nil, badRich(err, "authorization_details[%d] is not a JSON object with each member once", i)
		}
		name := typeOf(object)
		if s.rich[name] == nil {
			return nil, badRich(nil, "authorization_details[%d] has no type that this server knows", i)
		}
		details = append(details, RichDetail{Type: name, JSON: object})
	}
	return details, nil
}

// richWithin returns what of granted asked allows: all of it where nothing is asked, otherwise what is asked, each of which must be covered.
func (s *Server) richWithin(granted, asked string) (string, error) {
	if asked == "" {
		return granted, nil
	}
	want, err := s.readRich(asked)
	if err != nil {
		return "", err
	}
	have, err := s.readRich(granted)
	if err != nil {
		return "", badRich(err, "what was granted is of a type that this server does not know any more")
	}
	for i, w := range want {
		covers := s.rich[w.Type].Covers
		if !slices.ContainsFunc(have, func(h RichDetail) bool {
			return h.Type == w.Type && (bytes.Equal(h.JSON, w.JSON) || covers != nil && covers(slices.Clone(h.JSON), slices.Clone(w.JSON)))
		}) {
			return "", badRich(nil, "authorization_details[%d] is more than what was granted", i)
		}
	}
	return joinRich(want), nil
}

// richGiven returns the details that an application grants, as a JSON array. They are its own: nobody checks them but for their form.
func (s *Server) richGiven(details []json.RawMessage) (string, error) {
	if len(details) == 0 {
		return "", nil
	}
	list := make([]RichDetail, 0, len(details))
	for _, raw := range details {
		object, err := canonical(raw)
		if err != nil || s.rich[typeOf(object)] == nil {
			return "", fmt.Errorf("WithDetails: %.100q is not a JSON object whose type is among RichTypes", raw)
		}
		list = append(list, RichDetail{JSON: object})
	}
	return joinRich(list), nil
}

// richGranted is Rich under a grant, which has no more than granted says.
func (r *TokenRequest) richGranted(ctx context.Context, granted string) (string, error) {
	if granted == "" {
		asked, err := r.Param(paramDetails)
		if err == nil && asked != "" {
			err = badRich(nil, "no authorization_details were granted")
		}
		return "", err
	}
	return r.Rich(ctx, granted)
}

// describedRich returns what text, which was checked, says.
func (s *Server) describedRich(text string) []RichDetail {
	details, err := s.readRich(text)
	if err != nil {
		return nil
	}
	for i := range details {
		d := &details[i]
		if d.Title, d.Text = s.rich[d.Type].Describe(slices.Clone(d.JSON)); d.Title == "" {
			d.Title = d.Type
		}
	}
	return details
}

// introduce fills in what a page shows of the request.
func (s *Server) introduce(a *Ask) {
	a.Scopes, a.Details = s.described(a.scope[:0], a.Request.Details.Scopes), s.describedRich(a.Request.Details.Rich)
}

func joinRich(details []RichDetail) string {
	if len(details) == 0 {
		return ""
	}
	list := make([][]byte, len(details))
	for i := range details {
		list[i] = details[i].JSON
	}
	return "[" + string(bytes.Join(list, []byte(","))) + "]"
}

func typeOf(object json.RawMessage) string {
	var of struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(object, &of) != nil {
		return ""
	}
	return of.Type
}

// canonical returns a JSON object in one form: members sorted by name, numbers as they were written, no space. A member that is there twice,
// however deep, is an error: two readers could take it for two things.
func canonical(raw json.RawMessage) (json.RawMessage, error) {
	in := json.NewDecoder(bytes.NewReader(raw))
	in.UseNumber()
	value, err := readValue(in, 0)
	if err != nil {
		return nil, err
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("not an object")
	}
	for name := range object {
		if name != "type" && strings.EqualFold(name, "type") {
			return nil, errors.New("a member differs from type in letter case alone")
		}
	}
	return json.Marshal(object)
}

const maxDepth = 16 // of authorization details

func readValue(in *json.Decoder, depth int) (any, error) {
	token, err := in.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth >= maxDepth {
		return nil, errors.New("nested too deep")
	}
	object, list := map[string]any{}, []any{}
	for in.More() {
		var name string
		if delim == '{' {
			if token, err = in.Token(); err != nil {
				return nil, err
			}
			name, _ = token.(string)
			if _, twice := object[name]; twice {
				return nil, fmt.Errorf("member %.40q is there twice", name)
			}
		}
		value, err := readValue(in, depth+1)
		if err != nil {
			return nil, err
		}
		if delim == '{' {
			object[name] = value
		} else {
			list = append(list, value)
		}
	}
	if _, err := in.Token(); err != nil {
		return nil, err
	}
	if delim == '{' {
		return object, nil
	}
	return list, nil
}
