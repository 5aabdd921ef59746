package memstore

// due says that the record called key may be over at the millisecond at. It is a reminder and not the
// truth: whoever takes it looks at the record, whose end may have moved since.
type due[K any] struct {
	at  int64
	key K
}

// queue is a heap of reminders, the earliest first, so that pruning costs what it removes and never a walk
// over what stays. Of every record with an end it holds a reminder no later than that.
type queue[K any] struct {
	heap []due[K]
	last int64 // no reminder is later
}

func (q *queue[K]) push(at int64, key K) {
	q.heap = append(q.heap, due[K]{at, key})
	if at >= q.last { // as nearly always: what comes later ends later
		q.last = at
		return
	}
	h := q.heap
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if h[up].at <= at {
			break
		}
		h[i], i = h[up], up
	}
	h[i] = due[K]{at, key}
}

// clear takes all reminders away.
func (q *queue[K]) clear() { q.heap, q.last = q.heap[:0], 0 }

// before reports whether there is a reminder of before the millisecond end.
func (q *queue[K]) before(end int64) bool { return len(q.heap) > 0 && q.heap[0].at < end }

// pop takes the earliest reminder, provided that it lies before the millisecond end.
func (q *queue[K]) pop(end int64) (key K, ok bool) {
	h := q.heap
	if len(h) == 0 || h[0].at >= end {
		return key, false
	}
	key = h[0].key
	last := h[len(h)-1]
	h[len(h)-1] = due[K]{}
	h = h[:len(h)-1]
	i := 0
	for {
		down := 2*i + 1
		if down >= len(h) {
			break
		}
		if down+1 < len(h) && h[down+1].at < h[down].at {
			down++
		}
		if last.at <= h[down].at {
			break
		}
		h[i], i = h[down], down
	}
	if len(h) > 0 {
		h[i] = last
	}
	if cap(h) > 1024 && len(h) < cap(h)/4 {
		h = append(make([]due[K], 0, cap(h)/2), h...)
	}
	q.heap = h
	return key, true
}
