package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// Spec is what a file says of one client: all of it, so that what is not there is taken away. Its secrets are the exception.
type Spec struct {
	ID       string                `json:"id"`
	Kind     Kind                  `json:"kind,omitempty"` // fills in what Metadata leaves out: AuthMethod, GrantTypes, ApplicationType
	Disabled bool                  `json:"disabled,omitempty"`
	Metadata oauth2.ClientMetadata `json:"metadata"`
	Policy   Policy                `json:"policy,omitzero"`
	// Secrets replace those that the client has. None: they stay, and a new client that needs one is given one.
	Secrets []store.Secret `json:"secrets,omitempty"`
}

// Policy is [store.Policy] as files have it: with durations as text, such as "90m", and without the key of a registration.
type Policy store.Policy

// SpecOf returns c as a file has it, without its secrets.
func SpecOf(c *store.Client) Spec {
	c = c.Clone()
	c.Policy.RegistrationKey, c.Policy.Registered = mandate.Digest{}, store.Registered{}
	return Spec{ID: c.ID, Disabled: c.Disabled, Metadata: c.Metadata, Policy: Policy(c.Policy)}
}

// ReadSpecs reads {"clients": [...]}. A member that it does not know is an error, and so are a member and an ID that are there twice.
func ReadSpecs(r io.Reader) ([]Spec, error) {
	var file struct {
		Clients []json.RawMessage `json:"clients"`
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("admin: clients: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf(`admin: clients: %w: want {"clients": [{"id": "...", "metadata": {...}}]}`, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("admin: clients: there is more after the object: one file has one")
	}
	specs := make([]Spec, len(file.Clients))
	seen := make(map[string]bool)
	for i, raw := range file.Clients {
		s := &specs[i]
		err := checkNames(raw)
		if err == nil {
			err = strict(raw, s)
		}
		if err != nil {
			var named struct{ ID string }
			_ = json.Unmarshal(raw, &named) // for the message; the error says the rest
			return nil, fmt.Errorf("admin: clients[%d] %q: %w", i, named.ID, err)
		}
		switch {
		case s.ID == "":
			return nil, fmt.Errorf("admin: clients[%d] has no id: a file needs one to know the client again", i)
		case seen[s.ID]:
			return nil, fmt.Errorf("admin: clients[%d]: the id %q is there twice", i, s.ID)
		}
		seen[s.ID] = true
		if err := s.complete(); err != nil {
			return nil, fmt.Errorf("admin: clients[%d] %q: %w", i, s.ID, err)
		}
	}
	if err := checkNames(data); err != nil {
		return nil, fmt.Errorf("admin: clients: %w", err)
	}
	return specs, nil
}

// strict decodes raw into v and refuses members that v does not have.
func strict(raw []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// complete checks what the decoder did not see, and fills in what the kind says.
func (s *Spec) complete() error {
	for _, name := range slices.Sorted(maps.Keys(s.Metadata.Extra)) {
		base, tag, tagged := strings.Cut(name, "#") // RFC 7591, section 2.2
		var m oauth2.ClientMetadata
		if _ = json.Unmarshal([]byte(`{`+strconv.Quote(base)+`: null}`), &m); len(m.Extra) > 0 || tagged && tag == "" {
			return fmt.Errorf("unknown field %q in metadata: its members are those of RFC 7591, such as redirect_uris; what is your own goes into policy.extra", name)
		}
	}
	if s.Kind != "" {
		like, err := NewClient(s.Kind)
		if err != nil {
			return errors.New(strings.TrimPrefix(err.Error(), "admin: "))
		}
		d := &s.Metadata
		if d.AuthMethod == "" {
			d.AuthMethod = like.Metadata.AuthMethod
		}
		if d.GrantTypes == nil {
			d.GrantTypes = like.Metadata.GrantTypes
		}
		if d.ApplicationType == "" {
			d.ApplicationType = like.Metadata.ApplicationType
		}
	}
	for i := range s.Secrets {
		k := &s.Secrets[i]
		switch k.Form {
		case store.SHA256, store.Bcrypt, store.Argon2id:
		default:
			return fmt.Errorf("secrets[%d] has the form %q, which is none of %s, %s, %s", i, k.Form, store.SHA256, store.Bcrypt, store.Argon2id)
		}
		k.NotBefore, k.Expires = k.NotBefore.UTC().Truncate(time.Millisecond), k.Expires.UTC().Truncate(time.Millisecond)
	}
	return nil
}

// noEnd is how files write a token_ttl of server.InsecureNoEnd.
const noEnd = "insecure-no-end"

// durations are the members of a policy that are.
func durations() []string {
	return []string{"token_ttl", "code_ttl", "refresh_idle", "refresh_ttl", "grace"}
}

// registrations are the members that no file has: they are the server's, of clients that registered themselves.
func registrations() []string { return []string{"registration_key", "registered"} }

// MarshalJSON implements json.Marshaler.
func (p Policy) MarshalJSON() ([]byte, error) {
	p.RegistrationKey = mandate.Digest{}
	data, err := json.Marshal(store.Policy(p))
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	for _, name := range durations() {
		var d time.Duration
		if raw, ok := all[name]; ok && json.Unmarshal(raw, &d) == nil {
			text := d.String()
			if name == "token_ttl" && d == server.InsecureNoEnd {
				text = noEnd
			}
			all[name] = json.RawMessage(strconv.Quote(text))
		}
	}
	return json.Marshal(all)
}

// UnmarshalJSON implements json.Unmarshaler. A member that it does not know is an error.
func (p *Policy) UnmarshalJSON(data []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	for _, name := range registrations() {
		if _, ok := all[name]; ok {
			return fmt.Errorf("unknown field %q in policy", name)
		}
	}
	for _, name := range durations() {
		raw, ok := all[name]
		if !ok {
			continue
		}
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return fmt.Errorf(`policy.%s is %s, want a duration as text, such as "90m"`, name, clean(string(raw)))
		}
		d, err := time.ParseDuration(text)
		if name == "token_ttl" && text == noEnd {
			d, err = server.InsecureNoEnd, nil
		}
		if err != nil {
			return fmt.Errorf(`policy.%s is %q, want a duration, such as "90m"`, name, text)
		}
		all[name] = strconv.AppendInt(nil, int64(d), 10)
	}
	data, err := json.Marshal(all)
	if err != nil {
		return err
	}
	var q store.Policy
	if err := strict(data, &q); err != nil {
		return fmt.Errorf("%w in policy", err)
	}
	*p = Policy(q)
	return nil
}
