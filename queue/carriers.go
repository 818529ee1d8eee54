package queue

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"sync"
)

// carrierNumbers keeps what bindery:carriers says: a carrier's number is given
// once and never reused, so a copy cannot grow old.
type carrierNumbers struct {
	mu     sync.Mutex // guards the maps
	number map[string]uint16
	name   map[uint16]string
}

func (c *carrierNumbers) known(name string) (uint16, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok := c.number[name]
	return n, ok
}

func (c *carrierNumbers) add(name string, n uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.number == nil {
		c.number, c.name = map[string]uint16{}, map[uint16]string{}
	}
	c.number[name], c.name[n] = n, name
}

// carrierNumber is a carrier's number; "" has 0.
func (q *Queue) carrierNumber(ctx context.Context, name string) (uint16, error) {
	if name == "" {
		return 0, nil
	}
	if n, ok := q.carriers.known(name); ok {
		return n, nil
	}
	if !isName(name) {
		return 0, fmt.Errorf("queue: carrier %q is no id", name)
	}
	v, err := carrierScript.Run(ctx, q.db, []string{keyCarriers}, name)
	if err != nil {
		return 0, mapError(err)
	}
	n, ok := v.(int64)
	if !ok || n < 1 || n > 0xFFFF {
		return 0, fmt.Errorf("queue: %s gives carrier %q the number %v", keyCarriers, name, v)
	}
	q.carriers.add(name, uint16(n))
	return uint16(n), nil
}

// carrierName is the name behind a number; "" when there is none.
func (q *Queue) carrierName(ctx context.Context, n uint16) (string, error) {
	q.carriers.mu.Lock()
	name, ok := q.carriers.name[n]
	q.carriers.mu.Unlock()
	if ok || n == 0 {
		return name, nil
	}
	all, err := q.db.HGetAll(ctx, keyCarriers).Result()
	if err != nil {
		return "", mapError(err)
	}
	for name, number := range all {
		if v, err := strconv.ParseUint(number, 10, 16); err == nil {
			q.carriers.add(name, uint16(v))
		}
	}
	q.carriers.mu.Lock()
	defer q.carriers.mu.Unlock()
	return q.carriers.name[n], nil
}

// carrierTable collects the carriers of one call for a script: numbers, names,
// numbers of their own routes, and receipt clocks.
type carrierTable struct {
	seen   map[string]uint16
	list   []byte
	clocks []byte
}

func (q *Queue) intoTable(ctx context.Context, t *carrierTable, name string) (uint16, error) {
	if n, ok := t.seen[name]; ok || name == "" {
		return n, nil
	}
	n, err := q.carrierNumber(ctx, name)
	if err != nil {
		return 0, err
	}
	if t.seen == nil {
		t.seen = map[string]uint16{}
	}
	t.seen[name] = n
	t.list = binary.BigEndian.AppendUint16(t.list, n)
	t.list = binary.BigEndian.AppendUint32(t.list, routeNumber("@"+name))
	t.list = append(append(t.list, byte(len(name))), name...)
	t.clocks = strconv.AppendInt(append(t.clocks, ' '), q.receiptClock(name).Milliseconds(), 10)
	return n, nil
}

// allCarriers is the table of every carrier that ever had a number.
func (q *Queue) allCarriers(ctx context.Context) (*carrierTable, error) {
	all, err := q.db.HGetAll(ctx, keyCarriers).Result()
	if err != nil {
		return nil, mapError(err)
	}
	t := &carrierTable{}
	for name, number := range all {
		v, err := strconv.ParseUint(number, 10, 16)
		if err != nil || !isName(name) {
			return nil, fmt.Errorf("queue: %s gives %q the number %q", keyCarriers, name, number)
		}
		q.carriers.add(name, uint16(v))
		if _, err := q.intoTable(ctx, t, name); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// errorTable collects the distinct errors of one call.
type errorTable struct {
	index map[Error]byte
	list  []any
}

// maxErrors of one call: an octet says which. More of them than that lose
// their message, not their code.
const maxErrors = 250

func (t *errorTable) add(e Error) byte {
	if e == (Error{}) {
		return 0
	}
	if i, ok := t.index[e]; ok {
		return i
	}
	if len(t.list) == maxErrors {
		return 0
	}
	if t.index == nil {
		t.index = map[Error]byte{}
	}
	t.list = append(t.list, appendErrorJSON(nil, e))
	t.index[e] = byte(len(t.list))
	return byte(len(t.list))
}
