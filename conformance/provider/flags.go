package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
)

// flags are the command line.
type flags struct {
	framework string
	store     string // empty: memory
	dsn       string
	config    string
	listen    string
	control   string // empty: no control listener
	log       string // empty: nothing is logged
}

// parseFlags reads args. For -h it writes the usage to help and returns [flag.ErrHelp].
func parseFlags(args []string, help io.Writer) (flags, error) {
	var f flags
	var mtls string
	set := flag.NewFlagSet("provider", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&f.framework, "framework", "nethttp", "what serves: "+strings.Join(frameworkNames(), ", "))
	set.StringVar(&f.store, "store", "memory", "where the state is kept: "+strings.Join(storeNames(), ", "))
	set.StringVar(&f.dsn, "dsn", "", "where the store is; memory has none")
	set.StringVar(&f.config, "config", "", "the configuration, a `FILE` of JSON; required")
	set.StringVar(&f.listen, "listen", "127.0.0.1:9443", "the `address` to listen on")
	set.StringVar(&mtls, "mtls-listen", "", "does not exist yet")
	set.StringVar(&f.control, "control", "", "the loopback `address` of the control endpoints; empty: there are none")
	set.StringVar(&f.log, "log", "", "log to standard error: text or json; empty: nothing")
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			set.SetOutput(help)
			set.Usage()
		}
		return f, err
	}
	switch {
	case set.NArg() > 0:
		return f, fmt.Errorf("argument %q is not understood: everything is a flag", set.Arg(0))
	case !slices.Contains(frameworkNames(), f.framework):
		return f, fmt.Errorf("-framework %q does not exist: there are %s", f.framework, strings.Join(frameworkNames(), ", "))
	case !slices.Contains(storeNames(), f.store):
		return f, fmt.Errorf("-store %q does not exist: there are %s", f.store, strings.Join(storeNames(), ", "))
	case f.store == "memory" && f.dsn != "":
		return f, errors.New("-dsn is given, and -store memory has none")
	case f.store != "memory" && f.dsn == "":
		return f, fmt.Errorf("-dsn is missing: it says where the %s is", f.store)
	case mtls != "":
		return f, errors.New("-mtls-listen does not exist yet")
	case f.config == "":
		return f, errors.New("-config is missing: name a file, for example oauth2.json")
	case f.log != "" && f.log != "text" && f.log != "json":
		return f, fmt.Errorf("-log %q is neither text nor json", f.log)
	case f.control != "" && !loopback(f.control):
		return f, fmt.Errorf("-control %q is not a loopback address with a port", f.control)
	}
	return f, nil
}

// loopback reports whether address is one that only this machine reaches.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
