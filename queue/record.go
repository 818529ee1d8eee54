package queue

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// An idempotency record of a push: the hash of its body; then its blocks, each
// with the parts of its messages, run-length ("4x1,1x99"); a run of refused
// lines is "0xn", in the block whose messages go before it ("-" for none).

// Record is what a key's push at one line was answered.
type Record struct {
	Body [16]byte // hash of its lines
	IDs  []ID     // one a line, "" for a refused one
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
	body, ids, err := parseRecord(text)
	if err != nil {
		return nil, err
	}
	return &Record{Body: body, IDs: ids}, nil
}

// record writes a push's record; "" without a key.
func (p *Push) record(body string, blocks []pushed) string {
	if p.Key == nil {
		return ""
	}
	var runs []run
	lines := p.Key.Lines
	if lines == nil {
		lines = make([]uint8, len(p.Messages))
		for i := range lines {
			lines[i] = 1
		}
	}
	next, block := 0, -1
	for _, n := range lines {
		r := run{block: block, n: 1}
		if n != 0 && next < len(p.Messages) {
			for block < 0 || next >= blocks[block].to {
				block++
			}
			r = run{block: block, parts: p.Messages[next].Parts, n: 1}
			next++
		}
		if last := len(runs) - 1; last >= 0 && runs[last].block == r.block && runs[last].parts == r.parts {
			runs[last].n++
			continue
		}
		runs = append(runs, r)
	}
	return body + writeRuns(runs, blocks)
}

// run is a row of lines whose messages have as many parts, in one block.
type run struct{ block, parts, n int }

func writeRuns(runs []run, blocks []pushed) string {
	var s strings.Builder
	block := -2
	for _, r := range runs {
		if r.block != block {
			block = r.block
			s.WriteByte(' ')
			if block < 0 {
				s.WriteByte('-')
			} else {
				s.WriteString(string(blocks[block].name))
			}
		}
		fmt.Fprintf(&s, ",%dx%d", r.parts, r.n)
	}
	return s.String()
}

// parseRecord gives a push's hash and ids again. What lies in Redis is not
// trusted.
func parseRecord(record string) (body [16]byte, ids []ID, err error) {
	hash, blocks, _ := strings.Cut(record, " ")
	bad := fmt.Errorf("queue: idempotency record %.80q does not parse", record)
	if n, err := hex.Decode(body[:], []byte(hash)); err != nil || n != len(body) {
		return body, nil, bad
	}
	for _, block := range strings.Fields(blocks) {
		name, runs, _ := strings.Cut(block, ",")
		first := 0
		for _, run := range strings.Split(runs, ",") {
			a, b, _ := strings.Cut(run, "x")
			parts, err1 := strconv.Atoi(a)
			n, err2 := strconv.Atoi(b)
			if err1 != nil || err2 != nil || parts < 0 || n < 1 || n > maxRecordLines || first+parts*n > maxParts {
				return body, nil, bad
			}
			for range n {
				if parts == 0 {
					ids = append(ids, "")
					continue
				}
				ids = append(ids, newID(Block(name), first))
				first += parts
			}
		}
	}
	return body, ids, nil
}

// maxRecordLines bounds what a record of a push can make this process allocate.
const maxRecordLines = 100_000
