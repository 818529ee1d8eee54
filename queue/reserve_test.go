package queue

import (
	"strings"
	"testing"
)

// What only urgent messages may take is left alone by normal and bulk, be they
// of a route or of @carrier, and in the calls where they go first for once.
func TestLeaseLeavesTheReserve(t *testing.T) {
	onEach(t, func(r *rig) {
		o := r.owner()
		carrier := func(max, urgent int) (words string, l *Lease) {
			r.Helper()
			l, err := o.Lease(r.ctx, LeaseRequest{Carrier: "alpha", Routes: []string{"default"}, Max: max, Urgent: urgent})
			if err != nil {
				r.Fatal(err)
			}
			for _, p := range l.Parts {
				words += priorityWords[p.Message.Priority][:1]
			}
			return words, l
		}
		want := func(max, urgent int, want string) {
			r.Helper()
			if got, l := carrier(max, urgent); got != want {
				r.Errorf("lease of %d, %d of them urgent ones': %q, want %q; left %v", max, urgent, got, want, l.Left)
			}
		}
		fill := func(p Priority, n int) {
			m := push("acme", n)
			m.Priority = p
			r.accept(m)
		}
		fill(Bulk, 150)
		fill(Normal, 2)
		want(5, 5, "")
		want(5, 2, "nnb")
		fill(Urgent, 4)
		want(5, 5, "uuuu")
		fill(Urgent, 3)
		want(6, 2, "uuubbb") // the urgent ones took the reserve first
		fill(Urgent, 1)
		want(6, 2, "ubbbb")
		for range 32 { // every eighth call begins with the others' share
			if got, _ := carrier(4, 1); strings.Trim(got, "b") != "" || len(got) < 1 || len(got) > 3 {
				r.Errorf("lease of 4, 1 of them urgent ones': %q, want one to three of bulk", got)
			}
			want(1, 1, "")
		}
	})
}

// The reserve splits no message that would have gone whole.
func TestReserveKeepsMessagesWhole(t *testing.T) {
	onEach(t, func(r *rig) {
		o := r.owner()
		p := push("acme", 3)
		p.Priority = Bulk
		for i := range p.Messages {
			p.Messages[i].Parts, p.Messages[i].Text = 3, strings.Repeat("long text ", 40)
		}
		r.accept(p)
		l, err := o.Lease(r.ctx, LeaseRequest{Carrier: "alpha", Routes: []string{"default"}, Max: 8, Urgent: 3})
		if err != nil {
			r.Fatal(err)
		}
		if len(l.Parts) != 3 || l.Left != [3]int{2: 6} {
			r.Errorf("%d parts, left %v; want one whole message of 3, 6 left", len(l.Parts), l.Left)
		}
	})
}

func TestLeaseRefusesAReserveBeyondMax(t *testing.T) {
	r := miniRig(t, Options{})
	o := r.owner()
	for _, urgent := range []int{-1, 3} {
		if _, err := o.Lease(r.ctx, LeaseRequest{Carrier: "alpha", Max: 2, Urgent: urgent}); err == nil {
			t.Errorf("max 2, urgent %d: no error", urgent)
		}
	}
}
