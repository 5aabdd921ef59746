// Command provider is an authorization server with all that Mandate has so far, on any of its frameworks: what
// clients and test suites of other people are pointed at, and an example of how everything is wired together. The
// README beside it explains the configuration.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run serves until ctx is over, and returns the exit code: 0, 1 for a fault, 2 for a command line that cannot be understood. A
// fault is one line on stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	code := 2
	if err == nil {
		code, err = 1, serve(ctx, f, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "provider: "+strings.Join(strings.Fields(err.Error()), " "))
		return code
	}
	return 0
}
