package dlr

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"bindery/internal/redisdb"
)

// Place is where an event stands in its account's status stream: the id of its
// entry and, from 0, its line there. It is the event's id for readers.
type Place struct {
	Entry string // "<ms>-<sequence>"
	Line  int
}

// StreamBegin stands before every event.
var StreamBegin = Place{Entry: "0-0"}

// String writes a place as readers see it, "<entry>/<line>".
func (p Place) String() string { return p.Entry + "/" + strconv.Itoa(p.Line) }

// ParsePlace reads a place that String wrote.
func ParsePlace(s string) (Place, error) {
	entry, line, ok := strings.Cut(s, "/")
	n, err := strconv.ParseUint(line, 10, 31)
	if _, _, valid := entryParts(entry); !ok || err != nil || !valid || line != strconv.FormatUint(n, 10) {
		return Place{}, fmt.Errorf("dlr: place of an event: want <entry id>/<line>")
	}
	return Place{Entry: entry, Line: int(n)}, nil
}

func entryParts(entry string) (ms, seq uint64, ok bool) {
	a, b, ok := strings.Cut(entry, "-")
	ms, err1 := strconv.ParseUint(a, 10, 64)
	seq, err2 := strconv.ParseUint(b, 10, 64)
	return ms, seq, ok && err1 == nil && err2 == nil && len(entry) <= 41
}

// after tells whether an entry was added after another.
func after(entry, other string) bool {
	ms, seq, _ := entryParts(entry)
	otherMS, otherSeq, _ := entryParts(other)
	return ms > otherMS || ms == otherMS && seq > otherSeq
}

// StatusEvent is one event as the stream holds it.
type StatusEvent struct {
	Place Place
	JSON  string // an object, one line
}

// StatusStream reads one account's status stream. It holds no state: any number
// of goroutines may read, each from its own place. Entries are whole: a place in
// the middle of one is resumed there.
type StatusStream struct {
	db  *redisdb.DB
	key string
}

// NewStatusStream reads the stream of that key (queue.Queue.StreamKey).
func NewStatusStream(db *redisdb.DB, key string) StatusStream { return StatusStream{db, key} }

// End is the place of the last event, StreamBegin when there was none.
func (s StatusStream) End(ctx context.Context) (Place, error) {
	entries, err := s.db.XRevRangeN(ctx, s.key, "+", "-", 1).Result()
	if err != nil {
		return Place{}, fmt.Errorf("dlr: status stream: %w", err)
	}
	if len(entries) == 0 {
		return StreamBegin, nil
	}
	return Place{Entry: entries[0].ID, Line: max(0, len(linesOf(&entries[0]))-1)}, nil
}

// Read answers the events after a place, of at most so many entries, and the
// place to go on from. gap: the place's entry is not there, so there may have
// been others that are past the history, or were lost with it.
func (s StatusStream) Read(ctx context.Context, from Place, entries int64) (events []StatusEvent, next Place, gap bool, err error) {
	list, err := s.db.XRangeN(ctx, s.key, from.Entry, "+", entries+1).Result()
	if err != nil {
		return nil, from, false, fmt.Errorf("dlr: status stream: %w", err)
	}
	next = from
	gap = from != StreamBegin && (len(list) == 0 || list[0].ID != from.Entry)
	for i := range list {
		for n, line := range linesOf(&list[i]) {
			if list[i].ID == from.Entry && n <= from.Line && from != StreamBegin {
				continue
			}
			next = Place{Entry: list[i].ID, Line: n}
			events = append(events, StatusEvent{Place: next, JSON: line})
		}
	}
	if len(list) == 0 && gap {
		next, err = s.behind(ctx, from)
	}
	return events, next, gap, err
}

// behind is where to go on from a place after which nothing is: there, unless
// the stream ends before it, as after Redis lost its last writes.
func (s StatusStream) behind(ctx context.Context, from Place) (Place, error) {
	end, err := s.End(ctx)
	if err == nil && after(from.Entry, end.Entry) {
		return end, nil
	}
	return from, err
}

// linesOf are an entry's events.
func linesOf(x *redis.XMessage) []string {
	blob, _ := x.Values["events"].(string)
	if blob == "" {
		return nil
	}
	return strings.Split(blob, "\n")
}
