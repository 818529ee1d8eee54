package queue

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// acceptWindow is how long after the Redis time that it carries an accept may
// still run: a call delayed on its way surprises nobody later.
const acceptWindow = 30 * time.Second

// Accept pushes messages: all of them are in Redis, with their idempotency
// record, or none. A repeat of the same key and body answers the first ids.
// Messages that do not fit into one block (500 parts, 128 KiB) are put into
// several, at most 128. A call whose outcome is unknown (ErrUnavailable) has
// been repeated by itself; made again it is another push, unless it has a Key.
func (q *Queue) Accept(ctx context.Context, p *Push) ([]ID, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	sh := q.shardOf(p.Account)
	for try := 0; ; try++ {
		ids, err := q.accept(ctx, sh, p)
		if err != errLate || try == 2 { //nolint:errorlint // our own value
			return ids, err
		}
	}
}

// errLate: Redis time was not what the call believed; the reply set the clock.
var errLate = fmt.Errorf("%w: redis time is not what it seemed", ErrUnavailable)

func (p *Push) validate() error {
	switch {
	case len(p.Messages) == 0 && (p.Key == nil || len(p.Key.Lines) == 0):
		return fmt.Errorf("queue: accept: no message")
	case !isName(p.Account):
		return fmt.Errorf("queue: accept: account %q", p.Account)
	case p.Limit != nil && p.Limit.Rate < 1:
		return fmt.Errorf("queue: accept: rate %d", p.Limit.Rate)
	}
	for i := range p.Messages {
		m := &p.Messages[i]
		m.Account = p.Account
		if p.Route != "" {
			m.Route, m.Priority = p.Route, p.Priority
		}
		if !isName(m.Route) || m.Priority > Bulk {
			return fmt.Errorf("queue: accept: message %d: route %q, priority %d", i, m.Route, m.Priority)
		}
		if m.Parts < 1 || m.Parts > maxPerMsg {
			return fmt.Errorf("queue: accept: message %d has %d parts, want 1..%d", i, m.Parts, maxPerMsg)
		}
		if m.Validity <= 0 {
			return fmt.Errorf("queue: accept: message %d has no validity", i)
		}
	}
	return nil
}

// isName tells whether s may stand in a key: letters, digits, _ and -.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

func (q *Queue) accept(ctx context.Context, sh *shard, p *Push) ([]ID, error) {
	if s := p.sharing(); s != nil {
		w := &waitingPush{small: s, blocks: 1, urgent: s.line.priority == Urgent, octets: s.octets + slotSize*s.parts, answer: make(chan answered, 1)}
		r, err := q.together(ctx, sh, w)
		if err != nil {
			return nil, err
		}
		if !r.is(apart) {
			copy(p.Messages, s.messages)
			return q.accepted(p, &r)
		}
	}
	at := q.clock.now().Truncate(time.Millisecond)
	blocks, err := p.blocks(sh, at)
	if err != nil {
		return nil, err
	}
	w, err := p.write(blocks, at)
	if err != nil {
		return nil, err
	}
	if len(blocks) > 1 {
		if err := q.withinLimit(ctx, sh, p); err != nil {
			return nil, err
		}
		if err := q.writeBodies(ctx, sh, w); err != nil {
			return nil, err
		}
	}
	r, err := q.together(ctx, sh, p.waiting(w, at))
	if err != nil {
		return nil, err
	}
	ids, err := q.accepted(p, &r)
	for i := range w {
		if err == nil && !p.Before {
			q.remember(&w[i])
		}
	}
	return ids, err
}

// remember keeps the body for the lease.
func (q *Queue) remember(w *written) { q.bodies.remember(w.name, string(w.body), w.parts) }

// accepted reads the script's answer.
func (q *Queue) accepted(p *Push, r *reply) ([]ID, error) {
	p.Before = false
	switch word := r.text(); word {
	case "accepted":
		return idsOf(p.Messages), r.err
	case "before":
		p.Before = true
		rec, err := parseRecord(r.text())
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(rec.IDs, func(id ID) bool { return id == "" }), nil
	case "slow":
		wait := r.number()
		return nil, cmp.Or(r.err, error(&TooFastError{Wait: time.Duration(wait) * time.Microsecond}))
	case "gap":
		return nil, ErrKeyOrder
	case "gone":
		return nil, fmt.Errorf("%w: bodies written before are gone", ErrUnavailable)
	case "conflict":
		return nil, ErrKeyConflict
	case "late":
		return nil, errLate
	default:
		return nil, fmt.Errorf("queue: accept: redis answers %q", word)
	}
}

// routeNumber is what a slot says of a route: a hash of its name; the shard's
// routes has the names.
func routeNumber(route string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(route))
	return max(1, h.Sum32())
}

// written is a block as accept takes it.
type written struct {
	*pushed
	route       uint32 // its number
	body, slots []byte
	apart       bool // the body was written before the call
	earliest    time.Time
	lines       []descriptor
}

// descriptor is of parts that are due at one time, of one campaign.
type descriptor struct {
	text, campaign string
	parts          int
	due            int64 // ms, 0: now
}

func (p *Push) write(blocks []pushed, at time.Time) ([]written, error) {
	list := make([]written, len(blocks))
	for i := range blocks {
		var err error
		if list[i], err = blocks[i].write(p.Account, at); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (b *pushed) write(account string, at time.Time) (w written, err error) {
	first := &b.messages[0]
	w = written{pushed: b, route: routeNumber(first.Route), slots: make([]byte, 0, b.parts*slotSize), earliest: first.deadline()}
	if w.body, err = appendBody(make([]byte, 0, b.size(account)), account, first.Route, first.Priority, b.messages, b.parts); err != nil {
		return w, err
	}
	runtime.Gosched() // a push of thousands takes milliseconds, which a single message would wait
	for i := range b.messages {
		w.slots = appendSlots(w.slots, &b.messages[i], w.route, at)
		if d := b.messages[i].deadline(); d.Before(w.earliest) {
			w.earliest = d
		}
	}
	w.lines = b.descriptors(at)
	return w, nil
}

// waiting is the push as it waits for the next call.
func (p *Push) waiting(list []written, at time.Time) *waitingPush {
	w := &waitingPush{at: at, blocks: len(list), answer: make(chan answered, 1)}
	for i := range list {
		if w.octets += len(list[i].slots); !list[i].apart {
			w.octets += len(list[i].body)
		}
	}
	w.urgent = len(list) == 1 && list[0].messages[0].Priority == Urgent
	if p.Key == nil && p.Batch == nil && p.Limit == nil && len(list) == 1 && len(list[0].lines) == 1 && list[0].lines[0].due == 0 {
		w.kind, w.args = plain, list[0].plain(p.Account)
	} else {
		w.args = p.args(list)
	}
	return w
}

// plain are the arguments of a plain push.
func (w *written) plain(account string) []any {
	m := &w.messages[0]
	lane := make([]byte, 0, 32+len(account)+len(m.Route))
	lane = append(append(lane, m.Route...), ':')
	lane = append(append(lane, m.Priority.String()...), ':')
	lane = append(append(lane, account...), ' ')
	lane = strconv.AppendUint(lane, uint64(w.route), 10)
	return []any{lane, w.lines[0].text, w.body, w.slots, w.earliest.UnixMilli()}
}

// args are those of a push that is not plain.
func (p *Push) args(list []written) []any {
	var key Key
	name, body, lines := "", "", 0
	if p.Key != nil {
		key = *p.Key
		name, body, lines = hex.EncodeToString(key.Hash[:]), hex.EncodeToString(key.Body[:]), len(p.Messages)
		if key.Lines != nil {
			lines = len(key.Lines)
		}
	}
	batch, record := "", []byte(nil)
	if p.Batch != nil && len(list) > 0 {
		batch, record = string(list[0].name), p.batchRecord(list)
	}
	cost, slack := p.cost()
	args := append(make([]any, 0, acceptFixed+(blockFixed+4)*len(list)),
		p.Account, name, key.First, body, p.record(body), lines, batch, record, cost.Microseconds(), slack.Microseconds(), len(list),
	)
	for i := range list {
		w := &list[i]
		route, priority, text := w.messages[0].Route, w.messages[0].Priority, w.body
		if w.apart {
			text = nil
		}
		args = append(args, string(w.name), text, w.slots, w.earliest.UnixMilli(), route, priority.String(), w.route, len(w.lines))
		for j := range w.lines {
			d := &w.lines[j]
			args = append(args, d.text, d.parts, d.campaign, d.due)
		}
	}
	return args
}

// descriptors divides the block.
func (b *pushed) descriptors(at time.Time) []descriptor {
	var list []descriptor
	for i, first, ms := 0, 0, b.messages; i < len(ms); {
		d, j := descriptor{campaign: campaignKey(ms[i].Campaign)}, i
		for ; j < len(ms) && ms[j].Campaign == ms[i].Campaign && ms[j].SendAt.Equal(ms[i].SendAt); j++ {
			d.parts += ms[j].Parts
		}
		if ms[i].SendAt.After(at) {
			d.due = ms[i].SendAt.UnixMilli()
		}
		var room [64]byte
		d.text = string(appendDescriptor(room[:0], b.name, first, d.parts, d.campaign, at))
		list, first, i = append(list, d), first+d.parts, j
	}
	return list
}

// appendDescriptor writes "block/from/n/campaign/since", at most 64 octets.
func appendDescriptor(dst []byte, b Block, from, n int, campaign string, since time.Time) []byte {
	dst = append(append(dst, b...), '/')
	dst = append(strconv.AppendInt(dst, int64(from), 10), '/')
	dst = append(strconv.AppendInt(dst, int64(n), 10), '/')
	dst = append(append(dst, campaign...), '/')
	return strconv.AppendInt(dst, since.Unix(), 10)
}

// writeBodies writes the bodies of a push of several blocks before the accept,
// which keeps them; left alone they expire. NX: a late repeat must not put the
// expiry back on a body that was accepted.
func (q *Queue) writeBodies(ctx context.Context, sh *shard, list []written) error {
	pipe := q.db.Pipeline()
	for i := range list {
		pipe.Do(ctx, "SET", sh.block(list[i].name), list[i].body, "NX", "EX", bodyExpiry)
		list[i].apart = true
	}
	cmds, err := pipe.Exec(ctx)
	for _, cmd := range cmds {
		if e := cmd.Err(); e != nil && !isNil(e) {
			return mapError(e)
		}
	}
	if isNil(err) {
		return nil
	}
	return mapError(err)
}

const (
	acceptFixed = 11  // arguments of a push that is not plain before its blocks
	blockFixed  = 8   // of a block before its descriptors
	bodyExpiry  = 600 // seconds
)

func idsOf(ms []Message) []ID {
	ids := make([]ID, len(ms))
	for i := range ms {
		ids[i] = ms[i].ID
	}
	return ids
}
