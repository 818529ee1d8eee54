package queue

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// An idempotency record of a push: the hash of its body; then its blocks, each
// with the parts of its messages in the order of the lines, run-length
// ("4x1,1x99"): the name of a block at its first run, with "@n" when that begins at
// part n, as of a push that shares it, and "#n" where the n-th (from 0) goes on; a run
// of refused lines is "0xn" of the block "-". A newline, and what the push keeps.

// Record is what a key's push at one line was answered.
type Record struct {
	Body [16]byte // hash of its lines
	IDs  []ID     // one a line, "" for a refused one
	Kept string   // as the push's Key had it
}

// Recorded answers what the push of a keyed stream at its line first was
// answered; nil: the stream was taken up to there and no further, or never.
func (q *Queue) Recorded(ctx context.Context, account string, hash [16]byte, first int) (*Record, error) {
	sh := q.shardOf(account)
	v, err := q.db.HMGet(ctx, sh.idem(account, hex.EncodeToString(hash[:])), "until", "f"+strconv.Itoa(first)).Result()
	if err != nil {
		return nil, mapError(err)
	}
	until, _ := v[0].(string)
	text, ok := v[1].(string)
	if at, valid := parseMillis(until); !ok || !valid || at.Before(q.clock.now()) {
		return nil, nil
	}
	return parseRecord(text)
}

// record writes a push's record once its messages have their ids; "" without a
// key.
func (p *Push) record(body string) string {
	if p.Key == nil {
		return ""
	}
	w := recordWriter{numbers: map[Block]int{}}
	w.text.WriteString(body)
	next := 0
	for _, n := range p.lines() {
		if n == 0 || next >= len(p.Messages) {
			w.add(refusedLines, 0, 0)
			continue
		}
		m := &p.Messages[next]
		w.add(Block(m.ID[:blockLength]), m.ID.first(), m.Parts)
		next++
	}
	w.end()
	w.text.WriteByte('\n')
	w.text.WriteString(p.Key.Kept)
	return w.text.String()
}

// lines is a message count for each line of a push.
func (p *Push) lines() []uint8 {
	if p.Key.Lines != nil {
		return p.Key.Lines
	}
	lines := make([]uint8, len(p.Messages))
	for i := range lines {
		lines[i] = 1
	}
	return lines
}

const refusedLines Block = "-"

// recordWriter writes runs: lines in a row whose messages have as many parts,
// in one block.
type recordWriter struct {
	text     strings.Builder
	numbers  map[Block]int // of the blocks that were named
	block    Block
	parts, n int // of the open run
}

func (w *recordWriter) add(b Block, first, parts int) {
	if w.n > 0 && b == w.block && parts == w.parts {
		w.n++
		return
	}
	w.end()
	if b != w.block {
		w.text.WriteByte(' ')
		w.name(b, first)
	}
	w.block, w.parts, w.n = b, parts, 1
}

func (w *recordWriter) name(b Block, first int) {
	number, named := w.numbers[b]
	switch {
	case named:
		w.text.WriteByte('#')
		w.text.WriteString(strconv.Itoa(number))
		return
	case b != refusedLines:
		w.numbers[b] = len(w.numbers)
	}
	w.text.WriteString(string(b))
	if first > 0 {
		w.text.WriteByte('@')
		w.text.WriteString(strconv.Itoa(first))
	}
}

func (w *recordWriter) end() {
	if w.n > 0 {
		fmt.Fprintf(&w.text, ",%dx%d", w.parts, w.n)
	}
}

// parseRecord gives a push's hash and ids again. What lies in Redis is not
// trusted.
func parseRecord(record string) (*Record, error) {
	head, kept, _ := strings.Cut(record, "\n")
	hash, blocks, _ := strings.Cut(head, " ")
	p := recordParser{rec: &Record{Kept: kept}}
	if n, err := hex.Decode(p.rec.Body[:], []byte(hash)); err != nil || n != len(p.rec.Body) {
		return nil, p.bad(record)
	}
	for _, block := range strings.Fields(blocks) {
		if !p.block(block) {
			return nil, p.bad(record)
		}
	}
	return p.rec, nil
}

// recordParser reads a record's blocks; first is the part that the next message
// of each begins with.
type recordParser struct {
	rec   *Record
	names []Block
	first []int
}

func (p *recordParser) bad(record string) error {
	return fmt.Errorf("queue: idempotency record %.80q does not parse", record)
}

func (p *recordParser) block(text string) bool {
	name, runs, _ := strings.Cut(text, ",")
	at, ok := p.find(name)
	for _, run := range strings.Split(runs, ",") {
		a, b, _ := strings.Cut(run, "x")
		parts, err1 := strconv.Atoi(a)
		n, err2 := strconv.Atoi(b)
		ok = ok && err1 == nil && err2 == nil && n > 0 && len(p.rec.IDs)+n <= maxRecordLines
		if !ok || (parts == 0) != (at < 0) || parts < 0 || parts > maxParts || at >= 0 && p.first[at]+parts*n > maxParts {
			return false
		}
		for range n {
			id := ID("")
			if at >= 0 {
				id = newID(p.names[at], p.first[at])
				p.first[at] += parts
			}
			p.rec.IDs = append(p.rec.IDs, id)
		}
	}
	return true
}

// find answers a block's place, -1 for refused lines; a new name takes one.
func (p *recordParser) find(name string) (at int, ok bool) {
	if Block(name) == refusedLines {
		return -1, true
	}
	if number, again := strings.CutPrefix(name, "#"); again {
		n, err := strconv.Atoi(number)
		return n, err == nil && n >= 0 && n < len(p.names)
	}
	name, begins, later := strings.Cut(name, "@")
	first, err := 0, error(nil)
	if later {
		first, err = strconv.Atoi(begins)
	}
	p.names, p.first = append(p.names, Block(name)), append(p.first, first)
	return len(p.names) - 1, len(name) == blockLength && err == nil && first >= 0 && first < maxParts
}

// maxRecordLines bounds what a record of a push can make this process allocate.
const maxRecordLines = 100_000
