package admin

import (
	"strings"
	"time"

	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

// clientView is a client as it is shown.
type clientView struct {
	ID       string                `json:"id"`
	Kind     Kind                  `json:"kind"`
	Disabled bool                  `json:"disabled"`
	Fixed    bool                  `json:"fixed,omitempty"` // in the server's configuration
	Origin   store.Origin          `json:"origin,omitempty"`
	Created  time.Time             `json:"created,omitzero"`
	Revision int64                 `json:"revision,omitempty"`
	Metadata oauth2.ClientMetadata `json:"metadata"`
	Policy   Policy                `json:"policy"`
	Secrets  []keptSecret          `json:"secrets,omitempty"`
}

// keptSecret is what is shown of a secret.
type keptSecret struct {
	ID        string           `json:"id,omitempty"`
	Form      store.SecretForm `json:"form"`
	NotBefore time.Time        `json:"not_before,omitzero"`
	Expires   time.Time        `json:"expires,omitzero"`
}

func (x *call) view(c *store.Client) clientView {
	return clientView{c.ID, KindOf(c), c.Disabled, x.fixed(c.ID) != nil, c.Origin, c.Created, c.Revision, c.Metadata, Policy(c.Policy), keptSecrets(c)}
}

func keptSecrets(c *store.Client) []keptSecret {
	var kept []keptSecret
	for _, k := range c.Secrets {
		kept = append(kept, keptSecret{k.ID, k.Form, k.NotBefore, k.Expires})
	}
	return kept
}

// state returns what there is to know about a client in a word or two.
func (v clientView) state() string {
	state := "enabled"
	if v.Disabled {
		state = "disabled"
	}
	switch {
	case v.Fixed:
		state += ", in the configuration"
	case v.Origin != store.ByOperator:
		state += ", " + string(v.Origin)
	}
	return state
}

func (x *call) showClient(c *store.Client) error {
	v := x.view(c)
	policy, err := v.Policy.MarshalJSON()
	if err != nil {
		return err
	}
	return x.show(v, func() error {
		d, p := &v.Metadata, &c.Policy
		grants := d.GrantTypes
		if len(grants) == 0 {
			grants = []string{"authorization_code"}
		}
		return x.table(nil, func(row func(...string)) {
			row("client", v.ID)
			row("name", d.Name)
			row("kind", string(v.Kind))
			row("state", v.state())
			row("created", when(v.Created))
			row("authenticates", d.Method())
			row("grants", strings.Join(grants, " "))
			for _, uri := range d.RedirectURIs {
				row("redirect", uri)
			}
			scope := string(p.Scopes)
			if scope == "" {
				scope = d.Scope
			}
			row("scope", scope)
			if text := string(policy); text != "{}" {
				row("policy", text)
			}
			for _, k := range v.Secrets {
				row("secret", strings.TrimSpace(k.ID+" "+string(k.Form))+validity(k))
			}
		})
	})
}

// validity says from when to when a secret is good, where that has a limit.
func validity(k keptSecret) string {
	text := ""
	if !k.NotBefore.IsZero() {
		text += ", from " + when(k.NotBefore)
	}
	if !k.Expires.IsZero() {
		text += ", until " + when(k.Expires)
	}
	return text
}
