package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"bindery/cmd/bindery/internal/bench/ledger"
)

// Streams are read as they fill; many are asked a few times a second instead:
// Redis pays for each key of a blocking XREAD at each of its entries.
const (
	blockMost  = 8
	askedEvery = 250 * time.Millisecond
)

// follow reads the accounts' status streams, as a campaign system would, until
// ctx is over.
func (s *stack) follow(ctx context.Context, l *ledger.Ledger) error {
	const count, block = 500, 100 * time.Millisecond
	n, place := len(s.keys), map[string]int{}
	args := &redis.XReadArgs{Streams: make([]string, 2*n), Count: count, Block: block}
	for i := range n {
		key := "bindery:{s0}:status:" + accountID(i)
		args.Streams[i], args.Streams[n+i], place[key] = key, "0", n+i
	}
	if n > blockMost {
		args.Block = -1
	}
	var clock clock
	for ctx.Err() == nil {
		streams, err := s.client.XRead(ctx, args).Result()
		if errors.Is(err, redis.Nil) && args.Block < 0 {
			moment(ctx, askedEvery)
		}
		if errors.Is(err, redis.Nil) || ctx.Err() != nil {
			continue
		}
		if err != nil {
			return fmt.Errorf("the status stream: %w", err)
		}
		for _, stream := range streams {
			for _, x := range stream.Messages {
				args.Streams[place[stream.Stream]] = x.ID
				if err := clock.entry(l, x); err != nil {
					return fmt.Errorf("entry %s of the status stream: %w", x.ID, err)
				}
			}
		}
		if args.Block < 0 {
			moment(ctx, askedEvery)
		}
	}
	return nil
}

func moment(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// entry notes the events of one.
func (c *clock) entry(l *ledger.Ledger, x redis.XMessage) error {
	blob, ok := x.Values["events"].(string)
	if !ok {
		return errors.New("it has no events")
	}
	for line := range bytes.SplitSeq([]byte(blob), []byte("\n")) {
		e, err := c.read(line)
		if err != nil {
			return err
		}
		l.Event(&e)
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
func (c *clock) read(line []byte) (e ledger.Event, err error) {
	e.ID, e.Status, e.To = member(line, `"id":"`), member(line, `"status":"`), member(line, `"to":"`)
	e.Late = bytes.Contains(line, []byte(`"late":true`))
	at := member(line, `"at":"`)
	if e.ID == nil || e.Status == nil || e.To == nil || len(at) != len("2006-01-02T15:04:05.000Z") {
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
	e.At = c.second*int64(time.Second) + ms*int64(time.Millisecond)
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
