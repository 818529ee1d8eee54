package queue

import "slices"

// aging is what is remembered, the oldest first. What is forgotten out of turn
// stays as a gap until it is the oldest, or the gaps are too many.
type aging[T interface{ isGone() bool }] struct{ list []T }

// add appends x and forgets the oldest while full says so. alive is how many are
// remembered.
func (a *aging[T]) add(x T, alive int, full func() bool, forget func(T)) {
	a.list = append(a.list, x)
	for len(a.list) > 0 && (full() || a.list[0].isGone()) {
		forget(a.list[0])
		clear(a.list[:1])
		a.list = a.list[1:]
	}
	if len(a.list) > 2*alive+1024 { // the first waits long: those behind it that are gone make room
		a.list = slices.DeleteFunc(a.list, T.isGone)
	}
}
