package queue

import (
	"encoding/binary"
	"time"
)

// blockRecords collects the records of a call by block, in order of appearance,
// for settle and finish (lua/slots.lua, openAbout).
type blockRecords struct {
	size   int // of a record, octets
	index  map[Block]int
	blocks []blockRecord
	last   int // the block of the last record
}

// blockRecord are the records about one block, behind the first and the last
// part that they are about, 2 octets each. A record begins with its part.
type blockRecord struct {
	name    Block
	records []byte
	tails   []string // by record: how the events of its parts end; "": that is not known
}

// Sizes in octets.
const (
	aboutSize = 4 // in front of records
	toldSize  = 6 // at the end of each: where its events are
)

// A run is at most so many parts: an entry of the stream holds as many events.
const maxRun = 100

// wholeEvents is set in a record whose events are told as the caller wrote them.
const wholeEvents = 0x80

func (r *blockRecords) of(b Block) *blockRecord {
	if r.last < len(r.blocks) && r.blocks[r.last].name == b {
		return &r.blocks[r.last]
	}
	i, ok := r.index[b]
	if !ok {
		i = len(r.blocks)
		if r.index == nil {
			r.index = map[Block]int{}
		}
		r.index[b] = i
		r.blocks = append(r.blocks, blockRecord{name: b, records: make([]byte, aboutSize, aboutSize+4*r.size)})
	}
	r.last = i
	return &r.blocks[i]
}

// add appends a record: its part, octets, and room for where its events are. If
// it may be one of a run, it goes into the last one when that is of the parts
// before it, and alike.
func (b *blockRecord) add(part uint16, octets []byte, tail string, run bool) {
	size := 2 + len(octets) + toldSize
	if run && len(b.tails) > 0 {
		last := b.records[len(b.records)-size:]
		more := &last[size-toldSize]
		if int(be16of(last))+int(*more)+1 == int(part) && *more < maxRun-1 &&
			b.tails[len(b.tails)-1] == tail && string(last[2:size-toldSize]) == string(octets) {
			*more++
			return
		}
	}
	b.records = append(binary.BigEndian.AppendUint16(b.records, part), octets...)
	b.records = append(b.records, make([]byte, toldSize)...)
	b.tails = append(b.tails, tail)
}

func be16of(b []byte) uint16 { return binary.BigEndian.Uint16(b) }

// appendTo appends the entries of the stream that the records make, and of each
// block its name and its records.
func (r *blockRecords) appendTo(args []any, known *lines) []any {
	args = known.entries(args, r)
	for i := range r.blocks {
		b := &r.blocks[i]
		lo, hi := uint16(0xFFFF), uint16(0)
		for o := aboutSize; o < len(b.records); o += r.size {
			part, more := be16of(b.records[o:]), b.records[o+r.size-toldSize]&^wholeEvents
			lo, hi = min(lo, part), max(hi, part+uint16(more))
		}
		binary.BigEndian.PutUint16(b.records, lo)
		binary.BigEndian.PutUint16(b.records[2:], hi)
		args = append(args, string(b.name), b.records)
	}
	return args
}

// entries are those of the stream that a call brings.
type entries struct {
	list []entry
	open map[entryKey]int // by kind, the place of the one that is not full
}

type entryKey struct {
	account string
	whole   bool // its events are, as far as is known here
}

type entry struct {
	entryKey
	events int
	text   []byte
}

// forEvents is the number of the entry that takes n more events of a kind.
func (s *entries) forEvents(key entryKey, n int) int {
	if last := len(s.list); last > 0 && s.list[last-1].entryKey == key && s.list[last-1].events+n <= maxRun {
		return last
	}
	if i, ok := s.open[key]; ok && s.list[i].events+n <= maxRun {
		return i + 1
	}
	if s.open == nil {
		s.open = map[entryKey]int{}
	}
	s.open[key] = len(s.list)
	s.list = append(s.list, entry{entryKey: key})
	return len(s.list)
}

// add appends the events of a run of parts, each with the tail.
func (e *entry) add(b Block, texts []string, tail string) {
	if e.text == nil {
		e.text = make([]byte, 0, len(texts)*(40+len(texts[0])+len(tail)))
	}
	for _, text := range texts {
		if len(e.text) > 0 {
			e.text = append(e.text, '\n')
		}
		e.text = append(append(append(e.text, `{"id":"`...), b...), text...)
		e.text = append(e.text, tail...)
	}
	e.events += len(texts)
}

// entries appends the number of entries and, of each, account and text, and
// tells the records where their events are. A record whose texts are not known
// has none.
func (l *lines) entries(args []any, r *blockRecords) []any {
	l.mu.Lock()
	defer l.mu.Unlock()
	var s entries
	var room [maxRun]string
	for i := range r.blocks {
		b := &r.blocks[i]
		segments := l.known[b.name]
		if len(segments) == 0 {
			continue
		}
		for k, tail := range b.tails {
			record := b.records[aboutSize+k*r.size:][:r.size]
			told := record[r.size-toldSize:]
			texts, single := textsOf(room[:0], segments, int(be16of(record)), int(told[0])+1)
			if len(texts) == 0 {
				continue
			}
			if !single {
				tail = ""
			}
			n := s.forEvents(entryKey{segments[0].account, tail != ""}, len(texts))
			e := &s.list[n-1]
			at := len(e.text)
			if at > 0 {
				at++ // behind the line feed
			}
			e.add(b.name, texts, tail)
			binary.BigEndian.PutUint16(told[1:], uint16(n))
			told[3], told[4], told[5] = byte(at>>16), byte(at>>8), byte(at)
			if tail != "" {
				told[0] |= wholeEvents
			}
		}
	}
	args = append(args, len(s.list))
	for i := range s.list {
		args = append(args, s.list[i].account, s.list[i].text)
	}
	return args
}

// textsOf are the texts of n parts, none if one is not known; single: each is
// that of a message of one part.
func textsOf(texts []string, segments []*segment, from, n int) (list []string, single bool) {
	single = true
	for part := from; part < from+n; part++ {
		text, one := "", false
		for _, s := range segments {
			if text, one = s.line(part); text != "" {
				break
			}
		}
		if text == "" {
			return nil, false
		}
		texts, single = append(texts, text), single && one
	}
	return texts, single
}

// tails makes the ends of events about messages of one part that were sent once,
// as lua/events.lua (say) does.
type tails struct {
	stamp   string
	status  Status
	carrier string
	err     Error
	text    string // of the last
}

func newTails(at time.Time) tails {
	return tails{stamp: at.UTC().Format("2006-01-02T15:04:05.000Z")}
}

func (t *tails) of(s Status, carrier string, e Error) string {
	if carrier == "" {
		return ""
	}
	if t.text == "" || s != t.status || carrier != t.carrier || e != t.err {
		t.status, t.carrier, t.err = s, carrier, e
		b := append([]byte(`,"status":"`), s.String()...)
		b = append(append(b, `","carrier":"`...), carrier...)
		b = append(append(b, `","at":"`...), t.stamp...)
		b = append(b, '"')
		if e != (Error{}) {
			b = appendErrorJSON(append(b, `,"error":`...), e)
		}
		t.text = string(append(b, `,"parts":1}`...))
	}
	return t.text
}
