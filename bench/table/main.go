// Command table measures what the project promises about speed and prints one table: what, target, measured, met or not. It
// takes about a minute. Everything is measured in turn with what it is compared to, so that a busy machine
// disturbs both; see the README beside it.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/go-mandate/mandate/bench/internal/subject"
)

func main() {
	only := flag.String("only", "guard,peers,threads,token,jwt,oauth1,client,loopback", "measure these parts, parted by commas; there is also stores, or a part of it: "+
		"postgresql, mariadb, redis, sqlite, cached")
	serve := flag.String("serve", "", "be a server of the loopback measurement: fixed, floor, mandate, fosite or go-oauth2")
	flag.Parse()
	if *serve != "" {
		if err := serveLoopback(*serve); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	before := load()
	var t table
	parts := strings.ReplaceAll(","+*only+",", ",stores,", ",postgresql,mariadb,redis,sqlite,cached,")
	for _, p := range []struct {
		name    string
		measure func(*table)
	}{
		{"guard", guards},
		{"peers", peers},
		{"threads", threads},
		{"token", tokens},
		{"loopback", loopback},
		{"jwt", jwts},
		{"oauth1", oauth1s},
		{"client", clients},
		{"postgresql", postgreSQL},
		{"mariadb", mariaDB},
		{"redis", inRedis},
		{"sqlite", inSQLite},
		{"cached", inCache},
	} {
		if strings.Contains(parts, ","+p.name+",") {
			fmt.Fprintln(os.Stderr, "measuring:", p.name)
			p.measure(&t)
			runtime.GC()
		}
	}
	t.print(os.Stdout)
	sum := subject.Digest("mda_0123456789012345678901234567890123456789012")
	fmt.Printf("\n%s, %d processors, load before %s and after %s, SHA-256 of a token in %.0f ns\n",
		runtime.Version(), runtime.NumCPU(), before, load(), compare(sum, sum).Base)
}

// load returns how busy the machine was in the last minute, in processors, where the system says so.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

// guards compares guarded routes with the same routes without a guard.
func guards(t *table) {
	g := subject.NewGuarded()
	hot := g.Hot()
	gin, echo := subject.CallAny(subject.Gin()), subject.CallAny(subject.Echo())
	plain, fiber := subject.CallAny(subject.NetHTTP()), subject.CallFast(subject.Fiber(), hot)
	t.over("guard on Gin over the bare route", 600, 2, gin, subject.Call(g.Gin(), hot))
	t.over("guard on Echo over the bare route", 650, 3, echo, subject.Call(g.Echo(), hot))
	t.over("guard on net/http over the bare route", 500, 2, plain, subject.Call(g.NetHTTP(), hot))
	t.over("guard on Fiber over the bare route", 350, 0, fiber, subject.CallFast(g.Fiber(), hot))
	byHand, token := subject.FiberFloor()
	t.known("the hand-written bound of a guard on Fiber over the bare route", fiber, subject.CallFast(byHand, token))
	t.over("With on Gin over the bare route", 0, 0, gin, subject.Call(g.GinWith(), hot))
	t.over("With on Echo over the bare route", 0, 0, echo, subject.Call(g.EchoWith(), hot))
	t.over("With on net/http over the bare route", 0, 0, plain, subject.Call(g.NetHTTPWith(), hot))
	t.over("With on Fiber over the bare route", 0, 0, fiber, subject.CallFast(g.FiberWith(), hot))
	t.atMost("the check alone, in SHA-256 of the token", 3.2, subject.Digest(hot), g.Core(0, hot))
	t.allocations("the check alone", 0, g.Core(0, hot))
}

// peers compares guards on Gin with each other.
func peers(t *table) {
	g := subject.NewGuarded()
	ours := subject.Call(g.Gin(), g.Hot())
	h, token := subject.ByHand()
	t.times("a map written by hand, in guards on Gin", 0, ours, subject.Call(h, token))
	h, token = subject.FositeGuard()
	t.times("fosite's guard, in guards on Gin", 5, ours, subject.Call(h, token))
	h, token = subject.GoOAuth2Guard()
	t.times("go-oauth2's guard, in guards on Gin", 7, ours, subject.Call(h, token))
}

// threads compares four threads with one.
func threads(t *table) {
	g := subject.NewGuarded()
	hot, route := g.Hot(), g.Gin()
	for _, c := range []struct {
		name   string
		tokens []string
	}{{"one token", []string{hot}}, {"100,000 tokens", g.Tokens}} {
		apart := len(c.tokens) / 4
		t.scales("the check alone, "+c.name+", on four threads", 2.5, func(i int) func() { return g.Core(i*apart, c.tokens...) })
		t.scales("guard on Gin, "+c.name+", on four threads", 2.5, func(i int) func() { return subject.Each(route, i*apart, c.tokens...) })
	}
}

// tokens compares token endpoints with each other.
func tokens(t *table) {
	for _, c := range []struct {
		name             string
		request          request
		fosite, goOAuth2 float64
		allocations      float64
	}{
		{"client credentials", subject.ClientCredentials, 4.5, 4, 22},
		{"code with PKCE, issued and redeemed", subject.IssueAndRedeem, 4, 4, 55},
		{"refresh with rotation", subject.Refresh, 5, 5, 30},
	} {
		t.timesFresh(c.name+": fosite, in our requests", c.fosite, c.request, subject.Fosite)
		t.timesFresh(c.name+": go-oauth2, in our requests", c.goOAuth2, c.request, subject.GoOAuth2)
		t.timesFloor(c.name+": ours, in requests of the hand-written bound", c.request)
		t.allocations(c.name, c.allocations, c.request(subject.Mandate()))
	}
}
