package main

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"

	"github.com/go-mandate/mandate/bench/internal/measure"
	"github.com/go-mandate/mandate/bench/internal/subject"
)

// rounds is how often a comparison is made; the one with the median ratio counts.
const rounds = 3

// table gathers what was measured.
type table struct{ rows [][4]string }

// request makes a function that is one request of a server.
type request = func(http.Handler) func()

func (t *table) add(what, target, measured string, met bool) {
	verdict := "met"
	if !met {
		verdict = "not met"
	}
	if target == "" {
		target, verdict = "-", "-"
	}
	t.rows = append(t.rows, [4]string{what, target, measured, verdict})
}

// over adds what other costs more than base. Zero ns is no target.
func (t *table) over(what string, ns, allocations float64, base, other func()) {
	c := compare(base, other)
	more := allocs(other) - allocs(base)
	target := fmt.Sprintf("+%.0f ns, +%.0f allocations", ns, allocations)
	if ns == 0 {
		target = fmt.Sprintf("+%.0f allocations", allocations)
	}
	t.add(what, target, fmt.Sprintf("%+.0f ns, %+.0f allocations (%.1f times)", c.Difference, more, c.Ratio), more <= allocations && (ns == 0 || c.Difference <= ns))
}

// known adds what other costs more than base where nothing is promised.
func (t *table) known(what string, base, other func()) {
	c := compare(base, other)
	t.add(what, "", fmt.Sprintf("%+.0f ns, %+.0f allocations (%.1f times)", c.Difference, allocs(other)-allocs(base), c.Ratio), true)
}

// atMost adds how many times base other takes.
func (t *table) atMost(what string, ratio float64, base, other func()) {
	c := compare(base, other)
	t.add(what, fmt.Sprintf("at most %.1f", ratio), fmt.Sprintf("%.2f (%+.0f ns)", c.Ratio, c.Difference), c.Ratio <= ratio)
}

// times adds how many times ours a peer takes. Zero is no target.
func (t *table) times(what string, ratio float64, ours, peer func()) {
	t.timesOf(what, ratio, compare(ours, peer))
}

// timesFresh is times for requests that fill their server: each round has new ones.
func (t *table) timesFresh(what string, ratio float64, r request, peer func() http.Handler) {
	all := make([]measure.Comparison, rounds)
	for i := range all {
		ours, theirs := r(subject.Mandate()), r(peer())
		runtime.GC()
		all[i] = measure.Compare(ours, theirs)
	}
	t.timesOf(what, ratio, measure.Median(all))
}

// timesFloor adds how many times those of the hand-written bound our requests take.
func (t *table) timesFloor(what string, r request) {
	all := make([]measure.Comparison, rounds)
	for i := range all {
		bound, ours := r(subject.Floor()), r(subject.Mandate())
		runtime.GC()
		all[i] = measure.Compare(bound, ours)
	}
	t.timesOf(what, 0, measure.Median(all))
}

func (t *table) timesOf(what string, ratio float64, c measure.Comparison) {
	target := ""
	if ratio > 0 {
		target = fmt.Sprintf("at least %.1f", ratio)
	}
	t.add(what, target, fmt.Sprintf("%.2f (%+.0f ns on %.0f ns)", c.Ratio, c.Difference, c.Base), c.Ratio >= ratio)
}

func (t *table) allocations(what string, most float64, f func()) {
	n := allocs(f)
	t.add(what+": allocations", fmt.Sprintf("at most %.0f", most), fmt.Sprintf("%.0f", n), n <= most)
}

// scales adds how much more four threads get done than one.
func (t *table) scales(what string, ratio float64, newWorker func(i int) func()) {
	wall, cpu := measure.Scaling(newWorker)
	t.add(what, fmt.Sprintf("at least %.1f", ratio), fmt.Sprintf("%.2f (%.2f for the time that the threads ran)", wall, cpu), wall >= ratio)
}

func compare(base, other func()) measure.Comparison {
	all := make([]measure.Comparison, rounds)
	for i := range all {
		all[i] = measure.Compare(base, other)
	}
	return measure.Median(all)
}

// allocs returns the allocations of a call. It calls often, so that what grows now and then counts with its share.
func allocs(f func()) float64 { return testing.AllocsPerRun(5000, f) }

// print writes the table as Markdown, in columns.
func (t *table) print(w io.Writer) {
	rows := append([][4]string{{"what", "target", "measured", "verdict"}, {}}, t.rows...)
	var width [4]int
	for _, r := range rows {
		for i, cell := range r {
			width[i] = max(width[i], len(cell))
		}
	}
	for i, r := range rows {
		if i == 1 {
			for j := range r {
				r[j] = "---"
			}
		}
		fmt.Fprintf(w, "| %-*s | %-*s | %-*s | %-*s |\n", width[0], r[0], width[1], r[1], width[2], r[2], width[3], r[3])
	}
}
