package queue

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
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
	at := q.clock.now().Truncate(time.Millisecond)
	blocks, err := p.blocks(sh, at)
	if err != nil {
		return nil, err
	}
	args, err := p.args(blocks, at)
	if err != nil {
		return nil, err
	}
	raws := make([][]byte, 0, len(blocks))
	for at := acceptFixed; at < len(args); at += blockFixed + 4*args[at+blockFixed-1].(int) {
		raws = append(raws, args[at+1].([]byte))
	}
	if len(blocks) > 1 {
		if err := q.withinLimit(ctx, sh, p); err != nil {
			return nil, err
		}
		if err := q.writeBodies(ctx, sh, args, blocks); err != nil {
			return nil, err
		}
	}
	r, err := q.together(ctx, sh, args, blocks)
	if err != nil {
		return nil, err
	}
	ids, err := q.accepted(p, &r)
	for i := range blocks {
		if b := &blocks[i]; err == nil && !p.Before {
			q.bodies.remember(b.name, string(raws[i]), b.parts)
		}
	}
	return ids, err
}

// accepted reads the script's answer.
func (q *Queue) accepted(p *Push, r *reply) ([]ID, error) {
	p.Before = false
	switch word := r.text(); word {
	case "accepted":
		r.time(q)
		return idsOf(p.Messages), r.err
	case "before":
		p.Before = true
		rec, err := parseRecord(r.text())
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(rec.IDs, func(id ID) bool { return id == "" }), nil
	case "slow":
		r.time(q)
		wait := r.number()
		return nil, cmp.Or(r.err, error(&TooFastError{Wait: time.Duration(wait) * time.Microsecond}))
	case "gap":
		return nil, ErrKeyOrder
	case "gone":
		return nil, fmt.Errorf("%w: bodies written before are gone", ErrUnavailable)
	case "conflict":
		return nil, ErrKeyConflict
	case "late":
		r.time(q)
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

func (p *Push) args(blocks []pushed, at time.Time) ([]any, error) {
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
	if p.Batch != nil && len(blocks) > 0 {
		batch, record = string(blocks[0].name), p.batchRecord(blocks)
	}
	cost, slack := p.cost()
	args := append(make([]any, 0, acceptFixed+(blockFixed+4)*len(blocks)),
		p.Account, at.Add(-acceptWindow).UnixMilli(), at.Add(acceptWindow).UnixMilli(),
		name, key.First, body, p.record(body), lines, batch, record, cost.Microseconds(), slack.Microseconds(), len(blocks),
	)
	for i := range blocks {
		b := &blocks[i]
		route, priority := b.messages[0].Route, b.messages[0].Priority
		number := routeNumber(route)
		raw, err := appendBody(make([]byte, 0, b.size(p.Account)), p.Account, route, priority, b.messages, b.parts)
		if err != nil {
			return nil, err
		}
		slots := make([]byte, 0, b.parts*slotSize)
		earliest := b.messages[0].deadline()
		for j := range b.messages {
			slots = appendSlots(slots, &b.messages[j], number, at)
			if d := b.messages[j].deadline(); d.Before(earliest) {
				earliest = d
			}
		}
		args = append(args, string(b.name), raw, slots, earliest.UnixMilli(),
			route, priority.String(), binary.BigEndian.AppendUint32(nil, number))
		args = appendDescriptors(args, b.name, b.messages, at)
	}
	return args, nil
}

// appendDescriptors divides a block into descriptors: parts that are due at one
// time, of one campaign.
func appendDescriptors(args []any, b Block, ms []Message, at time.Time) []any {
	count := len(args)
	args = append(args, 0)
	n, first := 0, 0
	for i := 0; i < len(ms); {
		parts, j := 0, i
		for ; j < len(ms) && ms[j].Campaign == ms[i].Campaign && ms[j].SendAt.Equal(ms[i].SendAt); j++ {
			parts += ms[j].Parts
		}
		due := int64(0)
		if ms[i].SendAt.After(at) {
			due = ms[i].SendAt.UnixMilli()
		}
		campaign := campaignKey(ms[i].Campaign)
		args = append(args, appendDescriptor(nil, b, first, parts, campaign, at), parts, campaign, due)
		n, first, i = n+1, first+parts, j
	}
	args[count] = n
	return args
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
func (q *Queue) writeBodies(ctx context.Context, sh *shard, args []any, blocks []pushed) error {
	pipe := q.db.Pipeline()
	at := acceptFixed
	for range blocks {
		pipe.Do(ctx, "SET", sh.block(Block(args[at].(string))), args[at+1], "NX", "EX", bodyExpiry)
		args[at+1] = ""
		at += blockFixed + 4*args[at+blockFixed-1].(int)
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
	acceptFixed = 13  // arguments of accept before the blocks
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
