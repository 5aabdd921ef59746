package admin

import (
	"context"
	"flag"
	"time"
)

func keyCommands() []command {
	return []command{
		{
			name: "key list", about: "Lists the signing keys", flags: keyList,
			more: "published: others can fetch it, and it does not sign yet. signing. retired: it verifies what it\nsigned. The first token that is signed makes the first key.",
		},
		{
			name: "key rotate", about: "Makes new signing keys, which sign ten minutes later", flags: keyRotate,
			more: "Keys rotate by themselves; this is for a key that must go. While a new one does not sign yet\nthere is no other.",
		},
	}
}

// keyView is a signing key as it is shown.
type keyView struct {
	ID      string    `json:"kid"`
	Alg     string    `json:"alg"`
	State   string    `json:"state"`
	Created time.Time `json:"created,omitzero"`
	Signs   time.Time `json:"signs,omitzero"`
	Ends    time.Time `json:"ends,omitzero"`
	Gone    time.Time `json:"gone,omitzero"`
}

func keyList(*flag.FlagSet) runFunction {
	return func(ctx context.Context, x *call) error { return x.showKeys(ctx) }
}

func keyRotate(*flag.FlagSet) runFunction {
	return func(ctx context.Context, x *call) error {
		if err := x.server.RotateKeys(ctx); err != nil {
			return err
		}
		return x.showKeys(ctx)
	}
}

func (x *call) showKeys(ctx context.Context) error {
	keys, err := x.server.SigningKeys(ctx)
	if err != nil {
		return err
	}
	views := make([]keyView, len(keys))
	for i, k := range keys {
		views[i] = keyView{k.ID, string(k.Alg), string(k.State), k.Created, k.Signs, k.Ends, k.Gone}
	}
	return listed(x.printer, "keys", []string{"KID", "ALG", "STATE", "CREATED", "SIGNS FROM", "SIGNS UNTIL", "GONE"}, views, "", func(k keyView) []string {
		return []string{k.ID, k.Alg, k.State, when(k.Created), when(k.Signs), when(k.Ends), when(k.Gone)}
	})
}
