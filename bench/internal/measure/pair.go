// Package measure times two things against each other on a machine that others use too.
package measure

import (
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Comparison is what a comparison of two functions found. A call's time is in nanoseconds that the calling thread ran: on an
// idle machine what a clock on the wall shows, and on a busy one nearly the same.
type Comparison struct {
	Ratio       float64 // of other to base: the median of the ratios of neighbouring slices
	Difference  float64 // other less base: the median of the differences of neighbouring slices
	Base, Other float64 // the time of a call in an undisturbed slice: the fastest tenth
}

const (
	pairs = 160
	slice = time.Millisecond
)

// Compare times base and other in turn, in slices of a millisecond, and each first as often as the other: what
// disturbs the machine disturbs both.
func Compare(base, other func()) Comparison {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	n, m := perSlice(base), perSlice(other)
	var ratios, differences, bases, others []float64
	for i := range pairs {
		var a, b float64
		if i%2 == 0 {
			a = timed(base, n)
			b = timed(other, m)
		} else {
			b = timed(other, m)
			a = timed(base, n)
		}
		ratios, differences = append(ratios, b/a), append(differences, b-a)
		bases, others = append(bases, a), append(others, b)
	}
	return Comparison{Ratio: at(ratios, 0.5), Difference: at(differences, 0.5), Base: at(bases, 0.1), Other: at(others, 0.1)}
}

// Median returns the comparison with the median ratio: of an odd number of rounds.
func Median(rounds []Comparison) Comparison {
	rounds = slices.Clone(rounds)
	slices.SortFunc(rounds, func(a, b Comparison) int {
		if a.Ratio < b.Ratio {
			return -1
		}
		return 1
	})
	return rounds[len(rounds)/2]
}

// perSlice returns how many calls of f fill a slice.
func perSlice(f func()) int {
	f()
	for n := 1; ; n *= 2 {
		if took := timed(f, n) * float64(n); took >= float64(slice)/2 || n >= 1<<20 {
			return max(1, int(float64(n)*float64(slice)/took))
		}
	}
}

func timed(f func(), n int) float64 {
	begun := ran()
	for range n {
		f()
	}
	return float64((ran() - begun).Nanoseconds()) / float64(n)
}

// ran returns how long the current thread has run.
func ran() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err) // every system that has the constant has the clock
	}
	return time.Duration(t.Nano())
}

// at returns the value below which the given share of values lies.
func at(values []float64, share float64) float64 {
	values = slices.Clone(values)
	slices.Sort(values)
	return values[int(float64(len(values)-1)*share)]
}
