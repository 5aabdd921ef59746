package measure

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	flowPairs = 30
	flowSlice = 100 * time.Millisecond
)

// Flow is what a comparison of two ways to use a server found.
type Flow struct {
	Ratio       float64 // how much more other gets done than base: the median of the ratios of neighbouring slices
	Base, Other float64 // calls for each second: the median of all slices
}

// CompareFlow lets goroutines use base and other in turn, in slices of a tenth of a second, each first as often as the other. It is
// by the clock on the wall: what is measured waits for servers. Newbase and newOther make the function of one goroutine; a
// function's error ends the comparison.
func CompareFlow(goroutines int, newBase, newOther func(i int) func() error) (Flow, error) {
	base, other := make([]func() error, goroutines), make([]func() error, goroutines)
	for i := range goroutines {
		base[i], other[i] = newBase(i), newOther(i)
	}
	var ratios, bases, others []float64
	for i := range flowPairs + 2 {
		var done [2]float64
		for _, j := range []int{i % 2, 1 - i%2} {
			var err error
			if done[j], err = flow([][]func() error{base, other}[j]); err != nil {
				return Flow{}, fmt.Errorf("%s: %w", []string{"base", "other"}[j], err)
			}
		}
		if i >= 2 { // the first ones warm up
			ratios, bases, others = append(ratios, done[1]/done[0]), append(bases, done[0]), append(others, done[1])
		}
	}
	return Flow{Ratio: at(ratios, 0.5), Base: at(bases, 0.5), Other: at(others, 0.5)}, nil
}

// flow lets all of work run side by side for a slice and returns the calls for each second.
func flow(work []func() error) (float64, error) {
	var calls atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	begun := time.Now()
	for _, f := range work {
		wg.Go(func() {
			for n := int64(0); ; n++ {
				if time.Since(begun) >= flowSlice || failed.Load() != nil {
					calls.Add(n)
					return
				}
				if err := f(); err != nil {
					failed.Store(&err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(calls.Load()) / time.Since(begun).Seconds(), nil
}
