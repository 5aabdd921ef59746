package admin

import (
	"context"
	"flag"
	"strings"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

func secretCommands() []command {
	return []command{
		{
			name: "client rotate", args: "ID", about: "Gives a client a new secret; the others end after a while", min: 1, max: 1, flags: clientRotate,
			more: "The new one is shown this once.",
		},
		{
			name: "client end-secret", args: "ID SECRET-ID", about: "Removes one secret of a client", min: 2, max: 2, flags: clientEndSecret,
			more: "client show lists their ids.",
		},
	}
}

func clientRotate(fs *flag.FlagSet) runFunction {
	overlap := fs.Duration("overlap", 24*time.Hour, "how long the others are good still; 0: they end at once")
	keep := fs.Bool("keep", false, "let the others be good as long as they were")
	return func(ctx context.Context, x *call) error {
		id := x.args[0]
		var secret string
		var c *store.Client
		var err error
		if *keep {
			secret, c, err = x.AddSecret(ctx, id)
		} else {
			secret, c, err = x.RotateSecret(ctx, id, *overlap)
		}
		if err != nil {
			return err
		}
		kept := keptSecrets(c)
		lines := []string{"client " + clean(id) + " has a new secret"}
		for _, k := range kept[:len(kept)-1] {
			lines = append(lines, "still good  "+clean(k.ID)+validity(k))
		}
		return x.secret(id, secret, kept, strings.Join(lines, "\n"))
	}
}

func clientEndSecret(*flag.FlagSet) runFunction {
	return func(ctx context.Context, x *call) error {
		id, secretID := x.args[0], x.args[1]
		if err := x.EndSecret(ctx, id, secretID); err != nil {
			return err
		}
		v := map[string]string{"id": id, "ended": secretID}
		return x.say(v, "client "+clean(id)+": secret "+clean(secretID)+" ended")
	}
}
