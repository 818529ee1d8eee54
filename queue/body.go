package queue

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// Bounds of a block. maxBody is the size up to which messages share a block;
// one larger message has a block of its own, up to maxBodyAlone.
const (
	maxParts     = 500
	maxPerMsg    = 255 // parts of one message: position and count are octets
	maxBody      = 128 << 10
	maxBodyAlone = 512 << 10
)

// The body of a block, format 1. Integers are big-endian; str is a uvarint
// length and octets.
//
//	0   format 1 octet, 1 octet zero
//	2   offset of the table, 2 octets
//	4   parts, 2 octets
//	6   accepted at, milliseconds of Unix time, 6 octets
//	12  priority 1 octet
//	13  account, route: each 1 octet length and octets
//	    extension area up to the table: older binaries keep it unread
//	    table: an entry of 12 octets a part and one more that marks the ends:
//	      end of validity in ticks, offset of the constant, offset of the row
//	    constants: what every event of a message says, read by the scripts
//	    shared: sender, encoding, callback, the texts' common beginning and end, and
//	      validity in ms (uvarint)
//	    rows: the rest of each message, read by whoever submits or shows it: flags
//	      1 octet, parts 1, concatenation reference 2, where in the row the text
//	      begins 2; where the flags say so, validity and send_at in ms (uvarint),
//	      sender, encoding, callback (str); the text, or of an urgent message that
//	      has ended as many spaces
const (
	bodyFormat = 1
	headFixed  = 13
	rowFixed   = 6
	entrySize  = 12
)

// tick is the unit of times in slots and tables: 16 ms, modulo 2³² (2.2 years).
const tick = 16 * time.Millisecond

func toTick(t time.Time) uint32 { return uint32(t.UnixMilli() / 16) }

// fromTick is the time nearest to now that has this tick.
func fromTick(v uint32, now time.Time) time.Time {
	n := now.UnixMilli() / 16
	return time.UnixMilli((n + int64(int32(v-uint32(n)))) * 16).UTC()
}

// Flags of a row.
const (
	rowHold = 1 << iota
	rowValidityNamed
	rowFrom // has its own, not the shared one
	rowEncoding
	rowCallback
	rowSendAt
	rowValidity
)

// shared is what the messages of a block have in common.
type shared struct {
	from, encoding, callback string
	prefix, suffix           string // of the texts
	validity                 time.Duration
}

func sharedOf(ms []Message) shared {
	first := &ms[0]
	s := shared{first.From, first.Encoding, first.Callback, first.Text, "", first.Validity}
	if len(ms) == 1 || first.Priority == Urgent { // whose rows are overwritten
		s.prefix = ""
		return s
	}
	for i := range ms[1:] {
		s.prefix = s.prefix[:commonPrefix(s.prefix, ms[i+1].Text)]
	}
	s.suffix = first.Text[len(s.prefix):]
	for i := range ms[1:] {
		rest := ms[i+1].Text[len(s.prefix):]
		s.suffix = s.suffix[len(s.suffix)-commonSuffix(s.suffix, rest):]
	}
	return s
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func commonSuffix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

// appendBody encodes a block. The messages have their Parts, ConcatRef and
// AcceptedAt; parts is the sum of theirs.
func appendBody(dst []byte, account, route string, p Priority, ms []Message, parts int) ([]byte, error) {
	if len(account) > 255 || len(route) > 255 {
		return nil, fmt.Errorf("queue: account or route is longer than 255 octets")
	}
	start := len(dst)
	dst = append(dst, bodyFormat, 0, 0, 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(parts))
	at := uint64(ms[0].AcceptedAt.UnixMilli())
	dst = append(dst, byte(at>>40), byte(at>>32), byte(at>>24), byte(at>>16), byte(at>>8), byte(at), byte(p))
	dst = append(append(dst, byte(len(account))), account...)
	dst = append(append(dst, byte(len(route))), route...)
	table := len(dst) - start
	binary.BigEndian.PutUint16(dst[start+2:], uint16(table))
	dst = append(dst, make([]byte, (parts+1)*entrySize)...)

	entry := func(part int) []byte { return dst[start+table+part*entrySize:] }
	part := 0
	for i := range ms {
		offset, deadline := uint32(len(dst)-start), toTick(ms[i].deadline())
		dst = appendConstant(dst, &ms[i], part)
		for range ms[i].Parts {
			binary.BigEndian.PutUint32(entry(part), deadline)
			binary.BigEndian.PutUint32(entry(part)[4:], offset)
			part++
		}
	}
	binary.BigEndian.PutUint32(entry(part)[4:], uint32(len(dst)-start))
	s := sharedOf(ms)
	for _, text := range [...]string{s.from, s.encoding, s.callback, s.prefix, s.suffix} {
		dst = appendStr(dst, text)
	}
	dst = binary.AppendUvarint(dst, uint64(s.validity.Milliseconds()))
	part = 0
	for i := range ms {
		offset := uint32(len(dst) - start)
		dst = appendRow(dst, &ms[i], &s)
		for range ms[i].Parts {
			binary.BigEndian.PutUint32(entry(part)[8:], offset)
			part++
		}
	}
	binary.BigEndian.PutUint32(entry(part)[8:], uint32(len(dst)-start))
	return dst, nil
}

func appendStr(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendRow(dst []byte, m *Message, s *shared) []byte {
	flags := byte(0)
	set := func(on bool, flag byte) {
		if on {
			flags |= flag
		}
	}
	set(m.Hold, rowHold)
	set(m.ValidityNamed, rowValidityNamed)
	set(m.From != s.from, rowFrom)
	set(m.Encoding != s.encoding, rowEncoding)
	set(m.Callback != s.callback, rowCallback)
	set(!m.SendAt.IsZero(), rowSendAt)
	set(m.Validity != s.validity, rowValidity)
	start := len(dst)
	dst = append(dst, flags, byte(m.Parts), byte(m.ConcatRef>>8), byte(m.ConcatRef), 0, 0)
	if flags&rowValidity != 0 {
		dst = binary.AppendUvarint(dst, uint64(m.Validity.Milliseconds()))
	}
	if flags&rowSendAt != 0 {
		dst = binary.AppendUvarint(dst, uint64(m.SendAt.UnixMilli()))
	}
	if flags&rowFrom != 0 {
		dst = appendStr(dst, m.From)
	}
	if flags&rowEncoding != 0 {
		dst = appendStr(dst, m.Encoding)
	}
	if flags&rowCallback != 0 {
		dst = appendStr(dst, m.Callback)
	}
	binary.BigEndian.PutUint16(dst[start+4:], uint16(len(dst)-start))
	return append(dst, m.Text[len(s.prefix):len(m.Text)-len(s.suffix)]...)
}

// body is a block's body, or the pieces of it that hold some messages: head is
// everything before the constants; each piece knows the offset it began at.
type body struct {
	head                           string
	constants, rows                string
	constantsAt, rowsAt            int
	table, parts                   int
	shared                         shared
	account, route                 string
	priority                       Priority
	acceptedAt                     time.Time
	constantsEnd, rowsBegin, total int // by the table's entries
}

// errBody says that what lies in Redis is no body of ours.
type bodyError string

func (e bodyError) Error() string { return "queue: block body: " + string(e) }

// parseHead reads what stands before the constants. Nothing in it is trusted.
func (b *body) parseHead(head string) error {
	if len(head) < headFixed+2 {
		return bodyError("shorter than its header")
	}
	if head[0] != bodyFormat {
		return bodyError(fmt.Sprintf("format %d, this program reads %d", head[0], bodyFormat))
	}
	b.head, b.table, b.parts = head, be16(head, 2), be16(head, 4)
	b.acceptedAt = time.UnixMilli(int64(be32(head, 6))<<16 | int64(be16(head, 10))).UTC()
	b.priority = Priority(head[12])
	rest := head[headFixed:]
	var ok bool
	if b.account, rest, ok = cutShort(rest); !ok {
		return bodyError("account runs past the end")
	}
	if b.route, rest, ok = cutShort(rest); !ok {
		return bodyError("route runs past the end")
	}
	end := b.table + (b.parts+1)*entrySize
	if b.parts < 1 || b.parts > maxParts || b.priority > Bulk || b.table < len(head)-len(rest) || end > len(head) {
		return bodyError("table does not fit")
	}
	b.constantsEnd = b.constantAt(b.parts)
	b.rowsBegin, b.total = b.rowAt(0), b.rowAt(b.parts)
	if b.constantAt(0) != end || b.constantsEnd < end || b.rowsBegin < b.constantsEnd || b.total < b.rowsBegin || b.total > maxBodyAlone {
		return bodyError("offsets are out of order")
	}
	return nil
}

// parseBody reads a whole body.
func parseBody(raw string) (*body, error) {
	b := &body{}
	if err := b.parseHead(raw); err != nil {
		return nil, err
	}
	if len(raw) != b.total {
		return nil, bodyError(fmt.Sprintf("%d octets, its table says %d", len(raw), b.total))
	}
	b.constants, b.constantsAt = raw[:b.constantsEnd], 0
	b.rows, b.rowsAt = raw, 0
	return b, b.parseShared(raw[b.constantsEnd:b.rowsBegin])
}

func (b *body) parseShared(s string) error {
	var ok bool
	for _, field := range [...]*string{&b.shared.from, &b.shared.encoding, &b.shared.callback, &b.shared.prefix, &b.shared.suffix} {
		if *field, s, ok = cutStr(s); !ok {
			return bodyError("what is shared runs past the end")
		}
	}
	if b.shared.validity, _, ok = cutValidity(s); !ok {
		return bodyError("shared validity is out of range")
	}
	return nil
}

func (b *body) constantAt(part int) int { return int(be32(b.head, b.table+part*entrySize+4)) }
func (b *body) rowAt(part int) int      { return int(be32(b.head, b.table+part*entrySize+8)) }

// message reads the message that a part belongs to; first is its first part.
func (b *body) message(block Block, first int) (*Message, error) {
	m := &Message{ID: newID(block, first)}
	if err := b.read(m, first, &joined{left: 1}); err != nil {
		return nil, err
	}
	return m, nil
}

// read reads a message, all but its id, into m.
func (b *body) read(m *Message, first int, texts *joined) error {
	if first < 0 || first >= b.parts {
		return bodyError(fmt.Sprintf("has %d parts, asked for part %d", b.parts, first))
	}
	m.Account, m.Route, m.Priority, m.AcceptedAt = b.account, b.route, b.priority, b.acceptedAt
	c, ok := from(b.constants, b.constantAt(first)-b.constantsAt)
	if !ok {
		return bodyError("constant lies outside")
	}
	if err := m.parseConstant(c); err != nil {
		return err
	}
	row, ok := from(b.rows, b.rowAt(first)-b.rowsAt)
	if !ok || len(row) < rowFixed {
		return bodyError("row lies outside")
	}
	if m.Parts = int(row[1]); m.Parts == 0 || first+m.Parts > b.parts {
		return bodyError("message has no parts, or some beyond the block")
	}
	size := b.rowAt(first+m.Parts) - b.rowAt(first)
	if size < rowFixed || size > len(row) {
		return bodyError("row runs past the end")
	}
	return m.parseRow(row[:size], &b.shared, texts)
}

func (m *Message) parseRow(s string, sh *shared, texts *joined) error {
	flags, at := s[0], be16(s, 4)
	if at < rowFixed || at > len(s) {
		return bodyError("row's text lies outside")
	}
	s, text := s[:at], s[at:]
	m.Hold, m.ValidityNamed = flags&rowHold != 0, flags&rowValidityNamed != 0
	m.ConcatRef = uint16(be16(s, 2))
	m.From, m.Encoding, m.Callback = sh.from, sh.encoding, sh.callback
	s, ok := s[rowFixed:], true
	if m.Validity = sh.validity; flags&rowValidity != 0 {
		if m.Validity, s, ok = cutValidity(s); !ok {
			return bodyError("row has no validity")
		}
	}
	if flags&rowSendAt != 0 {
		var ms uint64
		if ms, s, ok = cutUvarint(s); !ok || ms > 1<<48 {
			return bodyError("row's send_at is out of range")
		}
		m.SendAt = time.UnixMilli(int64(ms)).UTC()
	}
	for _, f := range [...]struct {
		flag  byte
		field *string
	}{{rowFrom, &m.From}, {rowEncoding, &m.Encoding}, {rowCallback, &m.Callback}} {
		if flags&f.flag == 0 {
			continue
		}
		if *f.field, s, ok = cutStr(s); !ok {
			return bodyError("row runs past the end")
		}
	}
	m.Text = texts.join(sh.prefix, text, sh.suffix)
	return nil
}

// start is when the message may first be sent.
func (m *Message) start() time.Time {
	if m.SendAt.After(m.AcceptedAt) {
		return m.SendAt
	}
	return m.AcceptedAt
}

// deadline is the end of the message's validity.
func (m *Message) deadline() time.Time { return m.start().Add(m.Validity) }

func be16(s string, i int) int { return int(s[i])<<8 | int(s[i+1]) }

func be32(s string, i int) uint32 {
	return uint32(s[i])<<24 | uint32(s[i+1])<<16 | uint32(s[i+2])<<8 | uint32(s[i+3])
}

func from(s string, i int) (string, bool) {
	if i < 0 || i > len(s) {
		return "", false
	}
	return s[i:], true
}

func cutShort(s string) (field, rest string, ok bool) {
	if s == "" || len(s) < 1+int(s[0]) {
		return "", "", false
	}
	return s[1 : 1+int(s[0])], s[1+int(s[0]):], true
}

func cutUvarint(s string) (v uint64, rest string, ok bool) {
	for i := 0; i < len(s) && i < 9; i++ {
		v |= uint64(s[i]&0x7F) << (7 * i)
		if s[i] < 0x80 {
			return v, s[i+1:], true
		}
	}
	return 0, "", false
}

// cutValidity reads a validity in ms.
func cutValidity(s string) (d time.Duration, rest string, ok bool) {
	ms, rest, ok := cutUvarint(s)
	return time.Duration(ms) * time.Millisecond, rest, ok && ms <= math.MaxInt64/uint64(time.Millisecond)
}

func cutStr(s string) (field, rest string, ok bool) {
	n, s, ok := cutUvarint(s)
	if !ok || n > uint64(len(s)) {
		return "", "", false
	}
	return s[:n], s[n:], true
}
