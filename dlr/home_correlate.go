package dlr

import (
	"context"
	"fmt"
	"strconv"

	"bindery/queue"
)

var correlateScript = script("correlate")

// Correlate makes ids known and answers the receipts parked under them; they
// stay parked until Drop.
func (h *Home) Correlate(ctx context.Context, cs []Correlation) ([]Parked, error) {
	var parked []Parked
	for len(cs) > 0 {
		n := min(len(cs), batch)
		ps, err := h.correlate(ctx, cs[:n])
		if err != nil {
			return nil, fmt.Errorf("dlr: correlate for %s: %w", h.o.Carrier, err)
		}
		parked = append(parked, ps...)
		cs = cs[n:]
	}
	return parked, nil
}

// correlate is one call. The parked receipts are asked for by a second one:
// whatever find parked before the ids were written still lies there, and
// whatever comes later finds the ids.
func (h *Home) correlate(ctx context.Context, cs []Correlation) ([]Parked, error) {
	ids := make([]string, len(cs))
	for i := range cs {
		ids[i] = h.o.Submit.Normal(cleanID(cs[i].ID))
	}
	values, err := valuesOf(cs)
	if err != nil {
		return nil, err
	}
	fields := make([]any, 2, 2+2*len(cs))
	for i := range cs { // a pointer in an any is no allocation, a string is one
		fields = append(fields, &ids[i], &values[i])
	}
	parked, err := h.makeKnown(ctx, fields)
	if err != nil {
		return nil, err
	}
	h.recents.add(ids, cs, h.o.Now())
	if !parked {
		return nil, nil
	}
	h.parking.Store(true)
	return h.parkedUnder(ctx, ids)
}

// makeKnown writes ids, each with what it names behind room for two, and tells
// whether receipts are parked at all. The script writes the same fields again:
// it lists the epoch, needs no room and is called again when its answer is lost.
func (h *Home) makeKnown(ctx context.Context, fields []any) (parked bool, err error) {
	if parked, ok := h.write(ctx, fields); ok {
		return parked, nil
	}
	fields[1] = h.o.ReceiptClock.Milliseconds()
	reply, err := correlateScript.Run(ctx, h.db, []string{h.state, h.early}, fields[1:]...)
	return reply == int64(1), err
}

// parkedUnder finds the parts of what is parked under whatever a receipt may
// call these ids.
func (h *Home) parkedUnder(ctx context.Context, ids []string) ([]Parked, error) {
	var names []string
	var room [3]Reading
	for _, id := range ids {
		if h.o.Submit == AsIs {
			names = append(names, id)
			continue
		}
		for _, r := range AppendReadings(room[:0], id, h.o.Receipt, h.o.Submit) {
			names = append(names, r.ID)
		}
	}
	var waiting []waiting
	for len(names) > 0 {
		n := min(len(names), batch)
		values, err := h.db.HMGet(ctx, h.early, names[:n]...).Result()
		if err != nil {
			return nil, err
		}
		for i, v := range values {
			if s, ok := v.(string); ok {
				waiting = appendEntries(waiting, names[i], s)
			}
		}
		names = names[n:]
	}
	return h.findWaiting(ctx, waiting)
}

const (
	blockLength = 22
	partLength  = blockLength + 4
	toLength    = 8 // digits of the destination that are kept
)

const hexDigits = "0123456789abcdef"

// valuesOf are what ids name, cut out of one string.
func valuesOf(cs []Correlation) ([]string, error) {
	octets, ends := make([]byte, 0, (partLength+toLength)*len(cs)), make([]int, len(cs))
	for i := range cs {
		var err error
		if octets, err = appendValue(octets, cs[i].Part, cs[i].To); err != nil {
			return nil, err
		}
		ends[i] = len(octets)
	}
	text, values, from := string(octets), make([]string, len(cs)), 0
	for i, end := range ends {
		values[i], from = text[from:end], end
	}
	return values, nil
}

// appendValue is what an id names: the block, the part's number in four hex
// digits, the destination's last digits.
func appendValue(dst []byte, p queue.Part, to string) ([]byte, error) {
	if len(p.Block) != blockLength {
		return dst, fmt.Errorf("block %q has %d characters, want %d", p.Block, len(p.Block), blockLength)
	}
	dst = appendPart(dst, p)
	return appendDigits(dst, to), nil
}

func appendPart(dst []byte, p queue.Part) []byte {
	dst = append(dst, p.Block...)
	for shift := 12; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[p.Index>>shift&0xF])
	}
	return dst
}

// parsePart reads block and number of a part, as scripts answer them.
func parsePart(s string) (queue.Part, error) {
	if len(s) != partLength {
		return queue.Part{}, fmt.Errorf("part %q has %d characters, want %d", s, len(s), partLength)
	}
	n, err := strconv.ParseUint(s[blockLength:], 16, 16)
	if err != nil {
		return queue.Part{}, fmt.Errorf("part %q: %w", s, err)
	}
	return queue.Part{Block: queue.Block(s[:blockLength]), Index: uint16(n)}, nil
}

// appendDigits appends the last eight digits of to, or all if there are less.
func appendDigits(dst []byte, to string) []byte {
	from, n := len(to), 0
	for from > 0 && n < toLength {
		from--
		if isDigit(to[from]) {
			n++
		}
	}
	for ; from < len(to); from++ {
		if isDigit(to[from]) {
			dst = append(dst, to[from])
		}
	}
	return dst
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
