package smpp

import (
	"testing"
	"time"
)

// Times are bare numbers: the timers have no clock.
func TestTimers(t *testing.T) {
	type step struct {
		now     int
		hear    bool
		overdue bool
		want    action
	}
	tests := []struct {
		name  string
		start timers
		steps []step
	}{
		{"silence", timers{enquireAfter: 30, answerWithin: 10, misses: 2}, []step{
			{now: 29}, {now: 30, want: askEnquire}, {now: 39},
			{now: 40, want: askEnquire}, {now: 49}, {now: 50, want: giveUp}}},
		{"one miss is enough", timers{enquireAfter: 30, answerWithin: 10, misses: 1}, []step{
			{now: 30, want: askEnquire}, {now: 40, want: giveUp}}},
		{"any traffic is liveness", timers{enquireAfter: 30, answerWithin: 10, misses: 2}, []step{
			{now: 25, hear: true}, {now: 30}, {now: 54}, {now: 55, want: askEnquire},
			{now: 60, hear: true}, {now: 65}, {now: 89}, {now: 90, want: askEnquire}}},
		{"an answer after the first miss", timers{enquireAfter: 30, answerWithin: 10, misses: 2}, []step{
			{now: 30, want: askEnquire}, {now: 40, want: askEnquire}, {now: 41, hear: true},
			{now: 71, want: askEnquire}, {now: 81, want: askEnquire}, {now: 91, want: giveUp}}},
		{"a time-out asks at once, and not again at each", timers{enquireAfter: 30, answerWithin: 10, misses: 2, heard: 5}, []step{
			{now: 12, overdue: true, want: askEnquire}, {now: 13, overdue: true}, {now: 14, hear: true},
			{now: 15, overdue: true}, {now: 22, overdue: true, want: askEnquire}}},
		{"never", timers{enquireAfter: -1, answerWithin: 10, misses: 2}, []step{
			{now: 1000}, {now: 2000, overdue: true}}},
		{"closing has its end", timers{enquireAfter: 30, answerWithin: 10, misses: 2, closeBy: 35}, []step{
			{now: 30, want: askEnquire}, {now: 34, hear: true}, {now: 35, want: closeNow}}},
		{"a clock that jumped asks before it gives up", timers{enquireAfter: 30, answerWithin: 10, misses: 2}, []step{
			{now: 5000, want: askEnquire}, {now: 9000, want: askEnquire}, {now: 9999, want: giveUp}}},
	}
	for _, tt := range tests {
		tm := tt.start
		for i, s := range tt.steps {
			if s.hear {
				tm.hear(time.Duration(s.now))
			}
			if got := tm.tick(time.Duration(s.now), s.overdue); got != s.want {
				t.Errorf("%s: step %d at %d: action %d, want %d", tt.name, i, s.now, got, s.want)
			}
		}
	}
}
