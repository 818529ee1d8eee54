package ingress

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"bindery/internal/redisdb"
	"bindery/queue"
)

// home is a real queue behind a door, in an embedded Redis, with faults.
type home struct {
	*queue.Queue
	mini *miniredis.Miniredis
	door *Door

	mu      sync.Mutex
	counted int
	pushes  int
	fail    func(push int) error // before a push
	lose    func(push int) bool  // its reply
}

func newHome(t testing.TB) *home {
	t.Helper()
	h := &home{mini: miniredis.RunT(t)}
	db := redisdb.Wrap(redis.NewClient(&redis.Options{Addr: h.mini.Addr()}))
	t.Cleanup(func() { _ = db.Close() })
	h.Queue = queue.New(db, queue.Options{})
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.reload(t, testRoutes())
	return h
}

func (h *home) reload(t testing.TB, routes []Route) {
	t.Helper()
	d, err := NewDoor(Config{Queue: h, Routes: routes, Accepted: func(_, _ string, n int) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.counted += n
	}})
	if err != nil {
		t.Fatal(err)
	}
	h.door = d
}

func (h *home) Accept(ctx context.Context, p *queue.Push) ([]queue.ID, error) {
	h.mu.Lock()
	h.pushes++
	n, fail, lose := h.pushes, h.fail, h.lose
	h.mu.Unlock()
	if fail != nil {
		if err := fail(n); err != nil {
			return nil, err
		}
	}
	ids, err := h.Queue.Accept(ctx, p)
	if err == nil && lose != nil && lose(n) {
		return nil, queue.ErrUnavailable
	}
	return ids, err
}

// waiting counts what waits by the text of the messages, in the order of their
// lanes.
func (h *home) waiting(t testing.TB) (texts []string) {
	t.Helper()
	o, err := h.NewOwner(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for {
		l, err := o.Lease(t.Context(), queue.LeaseRequest{Carrier: "alpha", Routes: []string{"korea", "plain", "world"}, Max: 500})
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Parts) == 0 {
			return texts
		}
		for _, p := range l.Parts {
			if p.Position == 0 {
				texts = append(texts, p.Message.Text)
			}
		}
	}
}

// lineOf is line i of a mixed stream: routes and priorities vary, every
// eleventh is refused, every seventeenth by the way in.
func lineOf(i int) Line {
	l := Line{Draft: Draft{To: "+821012345678", From: "1544", Text: fmt.Sprintf("line %d", i)}}
	if i%3 == 1 {
		l.Draft.To = "+4915112345678"
	}
	if i%5 == 2 {
		l.Draft.Priority = "bulk"
	}
	if i%7 == 3 {
		l.Draft.Text += strings.Repeat(" and more", 20)
	}
	switch {
	case i%11 == 10:
		l.Draft.To = "nobody"
	case i%17 == 16:
		l = Line{Refused: true}
	}
	l.Hash = HashLine(fmt.Sprintf("octets of %d", i))
	return l
}

func linesOf(from, to int) []Line {
	lines := make([]Line, 0, to-from)
	for i := from; i < to; i++ {
		lines = append(lines, lineOf(i))
	}
	return lines
}

func good(i int) bool { return i%11 != 10 && i%17 != 16 }

// take feeds lines in pieces of n.
func take(t testing.TB, s *Stream, lines []Line, n int) []Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	results := make([]Result, len(lines))
	for from := 0; from < len(lines); {
		to := min(len(lines), from+n)
		taken := s.Take(ctx, lines[from:to], results[from:to])
		if taken < 1 || taken > to-from {
			t.Fatalf("%d of %d lines were taken", taken, to-from)
		}
		from += taken
	}
	return results
}

func idsOf(rs []Result) (ids []queue.ID) {
	for _, r := range rs {
		ids = append(ids, r.ID)
	}
	return ids
}
