package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// event is what the ledger reads of a status event. Octets are valid until the
// next.
type event struct {
	id, status, to []byte
	at             int64 // Unix, ns
	late           bool
}

// follow reads the account's status stream, as a campaign system would, until
// ctx is over.
func (s *stack) follow(ctx context.Context, l *ledger) error {
	const count, block = 500, 100 * time.Millisecond
	last, key := "0", "bindery:{s0}:status:"+account
	var clock clock
	for ctx.Err() == nil {
		streams, err := s.client.XRead(ctx, &redis.XReadArgs{Streams: []string{key, last}, Count: count, Block: block}).Result()
		if errors.Is(err, redis.Nil) || ctx.Err() != nil {
			continue
		}
		if err != nil {
			return fmt.Errorf("the status stream: %w", err)
		}
		for _, x := range streams[0].Messages {
			last = x.ID
			blob, ok := x.Values["events"].(string)
			if !ok {
				return fmt.Errorf("entry %s of the status stream has no events", x.ID)
			}
			for line := range bytes.SplitSeq([]byte(blob), []byte("\n")) {
				e, err := clock.read(line)
				if err != nil {
					return fmt.Errorf("entry %s of the status stream: %w", x.ID, err)
				}
				l.event(&e)
			}
		}
	}
	return nil
}

// clock reads events and their times; whole seconds come again and again.
type clock struct {
	text   [19]byte // of the second that was read last
	second int64    // the same, Unix
}

// read finds the members by their names: encoding/json would cost the load more
// than the gateway uses for a message. A quotation mark inside a string is
// escaped, so a name cannot be mistaken.
func (c *clock) read(line []byte) (e event, err error) {
	e.id, e.status, e.to = member(line, `"id":"`), member(line, `"status":"`), member(line, `"to":"`)
	e.late = bytes.Contains(line, []byte(`"late":true`))
	at := member(line, `"at":"`)
	if e.id == nil || e.status == nil || e.to == nil || len(at) != len("2006-01-02T15:04:05.000Z") {
		return e, fmt.Errorf("event %q is not of the form that is known", line)
	}
	if !bytes.Equal(at[:19], c.text[:]) {
		t, err := time.Parse("2006-01-02T15:04:05", string(at[:19]))
		if err != nil {
			return e, err
		}
		c.second = t.Unix()
		copy(c.text[:], at)
	}
	ms := int64(at[20]-'0')*100 + int64(at[21]-'0')*10 + int64(at[22]-'0')
	e.at = c.second*int64(time.Second) + ms*int64(time.Millisecond)
	return e, nil
}

// member is the string behind a name, nil: there is none.
func member(line []byte, name string) []byte {
	_, rest, found := bytes.Cut(line, []byte(name))
	if !found {
		return nil
	}
	if end := bytes.IndexByte(rest, '"'); end >= 0 {
		return rest[:end]
	}
	return nil
}
