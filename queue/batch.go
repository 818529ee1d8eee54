package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// BatchView is how far a batch is.
type BatchView struct {
	Accepted   int
	Refused    []byte // as the push's Batch had it
	AcceptedAt time.Time
	Statuses   map[Status]int // of the messages; every status is there
	Past       int            // messages that are past the history
}

// batchRecord is what batch:<id> holds.
type batchRecord struct {
	Account  string   `json:"account"`
	Accepted int      `json:"accepted"`
	At       int64    `json:"at"` // ms
	Blocks   []string `json:"blocks"`
	Messages []int    `json:"messages"` // of each block
	Refused  []byte   `json:"refused,omitempty"`
}

func (p *Push) batchRecord(blocks []written) []byte {
	r := batchRecord{Account: p.Account, Accepted: len(p.Messages), At: p.Messages[0].AcceptedAt.UnixMilli(), Refused: p.Batch.Refused}
	for _, b := range blocks {
		r.Blocks, r.Messages = append(r.Blocks, string(b.name)), append(r.Messages, len(b.messages))
	}
	text, _ := json.Marshal(r) // strings, numbers and octets always encode
	return text
}

// BatchID is the id of the batch that a message was the first of.
func (id ID) BatchID() string { return string(id[:min(len(id), blockLength)]) }

// Batch counts the statuses of a batch's messages. ErrNotFound (also another
// account's), ErrGone.
func (q *Queue) Batch(ctx context.Context, account, id string) (*BatchView, error) {
	sh := q.shardOfBlock(Block(id))
	if sh == nil {
		return nil, ErrNotFound
	}
	pipe := q.db.Pipeline()
	found, forgotten := pipe.Get(ctx, sh.batch(id)), pipe.HGet(ctx, sh.counts(), "forgotten")
	_, _ = pipe.Exec(ctx) // each command has its error
	text, err := found.Bytes()
	if isNil(err) {
		at, _ := forgotten.Int64()
		return nil, q.absent(Block(id), q.clock.now(), at)
	}
	if err != nil {
		return nil, mapError(err)
	}
	var r batchRecord
	if err := json.Unmarshal(text, &r); err != nil || len(r.Blocks) != len(r.Messages) {
		return nil, fmt.Errorf("queue: record of batch %s does not parse", id)
	}
	if r.Account != account {
		return nil, ErrNotFound
	}
	v := &BatchView{Accepted: r.Accepted, Refused: r.Refused, AcceptedAt: time.UnixMilli(r.At).UTC(), Statuses: map[Status]int{}}
	for s := StatusQueued; s <= StatusUnknown; s++ {
		v.Statuses[s] = 0
	}
	return v, q.countBatch(ctx, sh, &r, v)
}

func (q *Queue) countBatch(ctx context.Context, sh *shard, r *batchRecord, v *BatchView) error {
	keys := make([]string, len(r.Blocks))
	for i, b := range r.Blocks {
		keys[i] = sh.slots(Block(b))
	}
	all, err := q.db.MGet(ctx, keys...).Result()
	if err != nil {
		return mapError(err)
	}
	for i, slots := range all {
		raw, ok := slots.(string)
		if !ok {
			v.Past += r.Messages[i]
			continue
		}
		v.count(raw)
	}
	return nil
}

// count adds the messages of a block's slots.
func (v *BatchView) count(raw string) {
	var parts []slot
	for i := range len(raw) / slotSize {
		s := slotAt(raw, i)
		if s.state != stateSurplus {
			parts = append(parts, s)
		}
		if !s.has(flagLast) {
			continue
		}
		m := View{Status: StatusQueued}
		m.decide(parts)
		v.Statuses[m.Status]++
		parts = parts[:0]
	}
}
