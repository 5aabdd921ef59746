package memstore

import "iter"

// table finds values by hash. What finds its cell taken stands in the next that is free, and each hash is beside its value, so that neither
// a search nor growth looks at rows, which are seldom in the processor's caches. Several values may have one hash.
type table[V comparable] struct {
	cells []cell[V] // a power of two of them, or none; a quarter is free
	count int
}

type cell[V comparable] struct {
	hash  uint64
	value V // the zero value: a free cell
}

// first returns the place of a value of hash h, and after that of the next one behind place i; -1: there is none.
func (t *table[V]) first(h uint64) int {
	if t.count == 0 {
		return -1
	}
	return t.from(t.place(h), h)
}

func (t *table[V]) after(i int, h uint64) int { return t.from(t.behind(i), h) }

func (t *table[V]) from(i int, h uint64) int {
	var none V
	for t.cells[i].value != none {
		if t.cells[i].hash == h {
			return i
		}
		i = t.behind(i)
	}
	return -1
}

// place returns where a value of hash h stands unless that cell was taken.
func (t *table[V]) place(h uint64) int {
	return int(h / stripes & uint64(len(t.cells)-1)) // #nosec G115 -- less than a length
}

func (t *table[V]) behind(i int) int { return (i + 1) & (len(t.cells) - 1) }

// insert puts v under hash h.
func (t *table[V]) insert(h uint64, v V) {
	if 4*t.count >= 3*len(t.cells) {
		t.resize()
	}
	t.put(cell[V]{h, v})
	t.count++
}

func (t *table[V]) put(c cell[V]) {
	var none V
	i := t.place(c.hash)
	for t.cells[i].value != none {
		i = t.behind(i)
	}
	t.cells[i] = c
}

// remove empties the cell at place i, and moves up those behind it that had found theirs taken.
func (t *table[V]) remove(i int) {
	var none V
	free, mask := i, len(t.cells)-1
	for i = t.behind(i); t.cells[i].value != none; i = t.behind(i) {
		if (i-t.place(t.cells[i].hash))&mask >= (i-free)&mask {
			t.cells[free], free = t.cells[i], i
		}
	}
	t.cells[free] = cell[V]{}
	t.count--
	if len(t.cells) > 1024 && t.count < len(t.cells)/8 {
		t.resize()
	}
}

// resize makes room for as many values again as there are.
func (t *table[V]) resize() {
	old := t.cells
	t.cells = make([]cell[V], size(t.count))
	var none V
	for _, c := range old {
		if c.value != none {
			t.put(c)
		}
	}
}

// all goes through the values.
func (t *table[V]) all() iter.Seq[V] {
	return func(yield func(V) bool) {
		var none V
		for _, c := range t.cells {
			if c.value != none && !yield(c.value) {
				return
			}
		}
	}
}
