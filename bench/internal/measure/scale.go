package measure

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	workers     = 4
	scaleSlices = 60
	scaleSlice  = 5 * time.Millisecond
)

// Scaling returns how much more four goroutines get done than one, each with a function of its own from newWorker: the median over
// slices of 5 ms, one and four in turn. wall is by the clock on the wall, which needs four idle processors. cpu is by the
// time that the threads ran: what one call costs the others, whoever else uses the machine; it does not see who
// waits for a lock.
func Scaling(newWorker func(i int) func()) (wall, cpu float64) {
	var work [workers]func()
	for i := range work {
		work[i] = newWorker(i)
		work[i]()
	}
	var walls, cpus []float64
	for range scaleSlices {
		wallOne, cpuOne := rate(work[:1])
		wallAll, cpuAll := rate(work[:])
		walls, cpus = append(walls, wallAll/wallOne), append(cpus, cpuAll/cpuOne)
	}
	return at(walls, 0.5), at(cpus, 0.5)
}

// rate runs all of work side by side for a slice and returns the calls for each second: of the clock, and the sum of those
// of each thread's own time.
func rate(work []func()) (wall, cpu float64) {
	const batch = 50
	var stop atomic.Bool
	var wg sync.WaitGroup
	calls, spent := make([]float64, len(work)), make([]float64, len(work))
	begun := time.Now()
	for i, f := range work {
		wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			from, n := ran(), 0
			for ; !stop.Load(); n += batch {
				for range batch {
					f()
				}
			}
			calls[i], spent[i] = float64(n), (ran() - from).Seconds()
		})
	}
	time.Sleep(scaleSlice)
	stop.Store(true)
	wg.Wait()
	took := time.Since(begun).Seconds()
	for i := range work {
		wall += calls[i] / took
		if spent[i] > 0 {
			cpu += calls[i] / spent[i]
		}
	}
	return wall, cpu
}
