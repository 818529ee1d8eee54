package bench

import (
	"testing"
	"time"
)

func TestEventsAreRead(t *testing.T) {
	var c clock
	for _, at := range []string{"2026-11-25T09:00:01.204Z", "2026-11-25T09:00:01.999Z", "2026-12-31T23:59:59.000Z"} {
		line := `{"id":"06F","to":"+821000000007","reference":"\"id\":\"no","status":"delivered","at":"` + at + `","late":true}`
		e, err := c.read([]byte(line))
		want, perr := time.Parse(time.RFC3339Nano, at)
		if perr != nil {
			t.Fatal(perr)
		}
		if err != nil || string(e.ID) != "06F" || string(e.Status) != "delivered" || string(e.To) != "+821000000007" || e.At != want.UnixNano() || !e.Late {
			t.Errorf("%s: %s %s %s %d late %v, %v", at, e.ID, e.Status, e.To, e.At, e.Late, err)
		}
	}
	for _, line := range []string{"", "{}", `{"id":"x","status":"y","to":"z","at":"then"}`, `{"id":"x","status":"y","to":"z","at":"2026-99-25T09:00:01.204Z"}`, `{"id":"x`} {
		if _, err := c.read([]byte(line)); err == nil {
			t.Errorf("%q was read", line)
		}
	}
}
