package smsctest

// queue is a first-in-first-out of any length that reuses its room.
type queue[T any] struct {
	items []T // a ring; its length is a power of two
	head  int
	n     int
}

func (q *queue[T]) len() int { return q.n }

func (q *queue[T]) push(v T) {
	q.grow()
	q.items[(q.head+q.n)&(len(q.items)-1)] = v
	q.n++
}

func (q *queue[T]) grow() {
	if q.n < len(q.items) {
		return
	}
	items := make([]T, max(16, 2*len(q.items)))
	for i := range q.n {
		items[i] = q.items[(q.head+i)&(len(q.items)-1)]
	}
	q.items, q.head = items, 0
}

func (q *queue[T]) front() *T { return &q.items[q.head] }

func (q *queue[T]) pop() T {
	var zero T
	v := q.items[q.head]
	q.items[q.head] = zero
	q.head = (q.head + 1) & (len(q.items) - 1)
	q.n--
	return v
}

func (q *queue[T]) last() *T { return &q.items[(q.head+q.n-1)&(len(q.items)-1)] }
