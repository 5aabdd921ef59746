package admin

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Command is [Run] for a program whose server needs a database, a secret or flags of its own: what needs none of it works without.
type Command struct {
	// Open returns what is to be administered. It is called once, by commands that need it: not by help and secret, so
	// that these work before there is a database or a root secret. Required.
	Open func(ctx context.Context) (Config, error)
	// In is what "-" reads in place of a file or a token. Default: nothing.
	In io.Reader
	// Out is what the answer is written to. Required.
	Out io.Writer
}

// Run carries out the command that args are, without the name of the program, and writes the answer to out. args of "help"
// list the commands; each has a help of its own, and a flag -json.
//
// An error says what is wrong and what to do; the caller prints it and ends. Nothing else is printed then, but for what was done before, as by
// an apply that stopped halfway.
func Run(ctx context.Context, c Config, args []string, out io.Writer) error {
	return Command{Open: func(context.Context) (Config, error) { return c, nil }, Out: out}.Run(ctx, args)
}

// command is one of the commands.
type command struct {
	name  string // two words, or one
	args  string // what stands behind it, for people
	about string // a line
	more  string // what else help says; may be empty
	min   int    // arguments
	max   int
	alone bool                               // needs no Config
	flags func(fs *flag.FlagSet) runFunction // declares its flags and returns what it does
}

// runFunction carries a command out.
type runFunction func(ctx context.Context, x *call) error

// call is one use of a command.
type call struct {
	*Admin
	*printer
	args []string
	in   io.Reader
}

// Run is the function [Run].
func (c Command) Run(ctx context.Context, args []string) error {
	switch {
	case c.Open == nil:
		return errors.New("admin: Command.Open is nil: name the function that returns the server")
	case c.Out == nil:
		return errors.New("admin: Command.Out is nil: name the writer of the answer, os.Stdout for example")
	}
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "-help" || args[0] == "--help" {
		return c.help(args[min(1, len(args)):])
	}
	cmd, rest, err := find(args)
	if err != nil {
		return err
	}
	fs := flag.NewFlagSet(cmd.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	asJSON := fs.Bool("json", false, jsonUsage)
	run := cmd.flags(fs)
	plain, err := parse(fs, rest)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return c.help(strings.Fields(cmd.name))
	case err != nil:
		return fmt.Errorf("admin: %s: %w: see help %s", cmd.name, err, cmd.name)
	case len(plain) < cmd.min || len(plain) > cmd.max:
		return fmt.Errorf("admin: %s: has %d arguments, want: %s: see help %s", cmd.name, len(plain), strings.TrimSpace(cmd.name+" "+cmd.args), cmd.name)
	}
	x := &call{printer: &printer{c.Out, *asJSON}, args: plain, in: c.In}
	if !cmd.alone {
		config, err := c.Open(ctx)
		if err != nil {
			return err
		}
		if x.Admin, err = New(config); err != nil {
			return err
		}
	}
	return run(ctx, x)
}

const jsonUsage = "answer in JSON"

// parse parses flags wherever they stand, and returns the other arguments. Behind "--" there are no flags.
func parse(fs *flag.FlagSet, args []string) ([]string, error) {
	var plain []string
	for len(args) > 0 {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		rest := fs.Args()
		if n := len(args) - len(rest); n > 0 && args[n-1] == "--" {
			return append(plain, rest...), nil
		}
		if len(rest) == 0 {
			break
		}
		plain, args = append(plain, rest[0]), rest[1:]
	}
	return plain, nil
}

// commands returns all commands, in the order in which help lists them.
func commands() []command {
	return slices.Concat(setupCommands(), clientCommands(), secretCommands(), registrationCommands(), grantCommands(), peopleCommands(), keyCommands())
}

// find returns the command that args begin with, and the rest of them.
func find(args []string) (command, []string, error) {
	var same []string
	for _, cmd := range commands() {
		words := strings.Fields(cmd.name)
		if len(args) >= len(words) && slices.Equal(args[:len(words)], words) {
			return cmd, args[len(words):], nil
		}
		if words[0] == args[0] {
			same = append(same, cmd.name)
		}
	}
	if same != nil {
		return command{}, nil, fmt.Errorf("admin: %q is no command, but one of these may be meant: %s", strings.Join(args[:min(2, len(args))], " "), strings.Join(same, ", "))
	}
	return command{}, nil, fmt.Errorf("admin: %q is no command: see help", args[0])
}

// help writes what there is, or what the command named by args does.
func (c Command) help(args []string) error {
	if len(args) == 0 {
		p := &printer{out: c.Out}
		fmt.Fprint(c.Out, "The commands:\n\n")
		err := p.table(nil, func(row func(cells ...string)) {
			for _, cmd := range commands() {
				row("  "+cmd.name, cmd.about)
			}
		})
		fmt.Fprint(c.Out, "\nhelp COMMAND says more about one. Each has the flag -json.\n")
		return err
	}
	cmd, _, err := find(args)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "usage: %s\n\n%s.\n", strings.TrimSpace(cmd.name+" [flags] "+cmd.args), cmd.about)
	if cmd.more != "" {
		fmt.Fprintf(c.Out, "\n%s\n", cmd.more)
	}
	fmt.Fprint(c.Out, "\nflags:\n")
	fs := flag.NewFlagSet(cmd.name, flag.ContinueOnError)
	fs.SetOutput(c.Out)
	fs.Bool("json", false, jsonUsage)
	cmd.flags(fs)
	fs.PrintDefaults()
	return nil
}

// list is a flag that may be there several times.
type list []string

// String implements flag.Value.
func (l *list) String() string { return strings.Join(*l, " ") }

// Set implements flag.Value. An empty value empties the list.
func (l *list) Set(s string) error {
	if s == "" {
		*l = nil
		return nil
	}
	*l = append(*l, s)
	return nil
}
