package admin

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
)

func setupCommands() []command {
	return []command{
		{
			name: "secret", about: "Makes a root secret", alone: true, flags: rootSecret,
			more: "It is what mandate.ParseSecret reads. Keep it in a secret manager, neither in the\nrepository nor in the database. To rotate: put the new one behind the old one in every\nprocess, then in front of it, rewrap, and take the old one out once no refresh token of its time\nis left.",
		},
		{name: "plan", about: "Shows the statements that migrate would make", flags: plan},
		{
			name: "migrate", about: "Makes the tables as this version needs them", flags: migrate,
			more: "It removes nothing and may be repeated.",
		},
		{name: "prune", about: "Removes what is over", flags: prune},
		{
			name: "rewrap", about: "Seals anew what lies sealed under an old root secret", flags: rewrap,
			more: "The step after a new root secret came in front of the old one in every process, and before\nthe old one goes. It may run beside traffic and be repeated.",
		},
	}
}

func rootSecret(*flag.FlagSet) runFunction {
	return func(_ context.Context, x *call) error {
		secret := NewRootSecret()
		return x.say(map[string]string{"secret": secret}, secret)
	}
}

// statements is what plan and migrate answer.
type statements struct {
	Statements []string `json:"statements"`
}

func plan(*flag.FlagSet) runFunction {
	return func(ctx context.Context, x *call) error {
		list, err := x.Plan(ctx)
		if err != nil {
			return err
		}
		return x.show(statements{list}, func() error {
			if len(list) == 0 {
				list = []string{"-- nothing to do"}
			}
			_, err := io.WriteString(x.out, strings.Join(list, ";\n")+"\n")
			return err
		})
	}
}

func migrate(*flag.FlagSet) runFunction {
	return func(ctx context.Context, x *call) error {
		list, err := x.Migrate(ctx)
		if err != nil {
			return err
		}
		return x.say(statements{list}, strconv.Itoa(len(list))+" statements made")
	}
}

func prune(*flag.FlagSet) runFunction {
	return func(ctx context.Context, x *call) error {
		n, err := x.Prune(ctx)
		if err != nil {
			return err
		}
		return x.say(map[string]int{"removed": n}, strconv.Itoa(n)+" records removed")
	}
}

func rewrap(*flag.FlagSet) runFunction {
	return func(ctx context.Context, x *call) error {
		done, err := x.server.Rewrap(ctx)
		if err != nil {
			return err
		}
		return x.say(done, fmt.Sprintf("rewritten: %d of signing keys, %d of clients, %d of grants", done.Keys, done.Clients, done.Grants))
	}
}
