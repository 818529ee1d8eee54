package ingress

import (
	"context"
	"crypto/sha256"
	"errors"
	"runtime"
	"time"

	"bindery/queue"
)

// ErrStopping: the gateway ends, and takes nothing more.
var ErrStopping = errors.New("ingress: the gateway is stopping")

// LineHash tells a line of a stream from another: 40 bits, so that the record
// of a million lines is small and a line that was changed passes for the one
// that was taken once in 10¹².
type LineHash [5]byte

// HashLine hashes a line's octets.
func HashLine(line string) LineHash {
	var room [512]byte // a longer one is copied to the heap
	sum := sha256.Sum256(append(room[:0], line...))
	return LineHash(sum[:len(LineHash{})])
}

// Line is one line of a stream.
type Line struct {
	Draft Draft
	Hash  LineHash
	// Refused: the way in cannot read it, and answers it.
	Refused bool
}

// Yield is after how many messages of one request its goroutine lets others run:
// thousands of them take milliseconds, which a single message would wait.
const Yield = 64

// Bounds of a push of a stream.
const (
	maxPushLines  = 4000
	maxPushOctets = 1 << 20 // of texts, about
	paceShare     = 10      // a push of an account with a rate is that part of a second
)

// Stream takes the lines of one request. It belongs to one goroutine.
type Stream struct {
	door     *Door
	account  *Account
	key      *[16]byte
	stopping <-chan struct{}

	next     int           // number of the line that Take begins with
	fresh    bool          // nothing is recorded from there on
	record   *queue.Record // of the lines from recordAt on
	recordAt int
	clashes  int   // conflicts in a row
	most     int   // lines of a push
	closed   error // why nothing is taken any more
	scratch  checked
}

// Stream begins a stream of lines. key is the hash of its idempotency key, nil
// for none; when stopping is closed nothing more is taken.
func (d *Door) Stream(a *Account, key *[16]byte, stopping <-chan struct{}) *Stream {
	return &Stream{door: d, account: a, key: key, stopping: stopping, fresh: key == nil, most: maxPushLines}
}

// Closed tells why nothing is taken any more, nil as long as it is. What Redis
// did not take once it takes from no later line, so that a repeat goes on where
// the stream ended.
func (s *Stream) Closed() error {
	select {
	case <-s.stopping:
		s.Close(ErrStopping)
	default:
	}
	return s.closed
}

// Close makes every later line be answered with err.
func (s *Stream) Close(err error) {
	if s.closed == nil {
		s.closed = err
	}
}

// Take takes the next lines, as many as go into one push, fills in a result for
// each, and answers how many; the rest are to be given again. The result of a
// line that the way in refused stays empty, unless its key was used for
// another. It waits for the account's rate.
func (s *Stream) Take(ctx context.Context, lines []Line, results []Result) int {
	for n := 0; len(lines) > 0 && s.Closed() == nil; {
		if n = s.repeat(ctx, lines, results); n == 0 && s.closed == nil {
			n = s.push(ctx, lines, results)
		}
		if n > 0 {
			s.next += n
			return n
		}
	}
	for i := range lines {
		results[i] = Result{Err: s.closed}
	}
	return len(lines)
}

// repeat answers lines that were taken before under the key, and how many.
func (s *Stream) repeat(ctx context.Context, lines []Line, results []Result) int {
	if s.fresh {
		return 0
	}
	if s.record == nil || s.next >= s.recordAt+len(s.record.IDs) {
		rec, err := s.door.queue.Recorded(ctx, s.account.ID, *s.key, s.next)
		if err != nil {
			s.Close(err)
			return 0
		}
		s.record, s.recordAt, s.fresh = rec, s.next, rec == nil || len(rec.IDs) == 0
		if s.fresh {
			return 0
		}
		s.clashes = 0
	}
	router, now := s.door.router.Load(), s.door.now()
	n := min(len(lines), s.recordAt+len(s.record.IDs)-s.next)
	for i := range lines[:n] {
		s.again(router, now, &lines[i], s.next-s.recordAt+i, &results[i])
	}
	return n
}

// again answers a line that the record has at a place. What the record does not
// say is worked out once more; after a reload only the id is sure.
func (s *Stream) again(r *router, now time.Time, line *Line, place int, res *Result) {
	*res = Result{}
	if !recordedAs(s.record.Kept, place, line.Hash) {
		res.Err = queue.ErrKeyConflict
		return
	}
	if line.Refused {
		return
	}
	good := s.door.prepare(&s.scratch, r, s.account, &line.Draft, res, now)
	switch id := s.record.IDs[place]; {
	case id != "" && !good:
		*res = Result{ID: id}
	case id != "":
		res.ID = id
	case good:
		*res = Result{Errors: []FieldError{{"", "was refused when it was first sent under this key"}}}
	}
}

// recordedAs compares a line with the hashes that a record keeps.
func recordedAs(kept string, place int, hash LineHash) bool {
	at := len(keptLines) + place*len(hash)
	return len(kept) >= at+len(hash) && kept[:len(keptLines)] == keptLines && kept[at:at+len(hash)] == string(hash[:])
}

// push takes as many lines as go into one push.
func (s *Stream) push(ctx context.Context, lines []Line, results []Result) int {
	g, n := s.gather(lines, results)
	lines, results = lines[:n], results[:n]
	if s.key != nil {
		g.push.Key = s.keyOf(lines, g)
	}
	if len(g.places) == 0 && s.key == nil {
		return n
	}
	err := s.pace(ctx, g, results)
	switch {
	case err == nil:
		s.clashes = 0
		return n
	case errors.Is(err, queue.ErrTooLarge) && n > 1: // of very many routes
		s.most = n / 2
	case s.key != nil && s.clashes == 0 && (errors.Is(err, queue.ErrKeyConflict) || errors.Is(err, queue.ErrKeyOrder)):
		// Another request has the same key: go on by what it recorded.
		s.fresh, s.record, s.clashes = false, nil, 1
	default:
		s.Close(err)
	}
	return 0
}

// gather prepares lines until a push is full.
func (s *Stream) gather(lines []Line, results []Result) (*group, int) {
	g := &group{push: queue.Push{Account: s.account.ID}}
	router, now := s.door.router.Load(), s.door.now()
	parts, octets, most := 0, 0, maxPushLines
	if s.account.Rate > 0 {
		most = max(1, s.account.Rate/paceShare)
		g.push.Limit = &queue.Limit{Rate: s.account.Rate}
	}
	g.push.Messages, g.places = make([]queue.Message, 0, min(len(lines), most)), make([]int, 0, min(len(lines), most))
	n := 0
	for n < min(len(lines), s.most) && parts < most && octets < maxPushOctets {
		results[n] = Result{}
		if !lines[n].Refused {
			if c := &s.scratch; s.door.prepare(c, router, s.account, &lines[n].Draft, &results[n], now) {
				g.add(&c.message, n)
				parts, octets = parts+c.message.Parts, octets+len(c.message.Text)
			}
		}
		n++
		if n%Yield == 0 {
			runtime.Gosched()
		}
	}
	return g, n
}

// keyOf is the key of a push of these lines.
func (s *Stream) keyOf(lines []Line, g *group) *queue.Key {
	kept := make([]byte, 0, len(keptLines)+len(lines)*len(LineHash{}))
	kept = append(kept, keptLines...)
	taken := make([]uint8, len(lines))
	for i := range lines {
		kept = append(kept, lines[i].Hash[:]...)
	}
	for _, place := range g.places {
		taken[place] = 1
	}
	sum := sha256.Sum256(kept)
	return &queue.Key{Hash: *s.key, Body: [16]byte(sum[:16]), First: s.next, Lines: taken, Kept: string(kept)}
}

// pace pushes, and again when the account's rate allows.
func (s *Stream) pace(ctx context.Context, g *group, results []Result) error {
	for {
		err := s.door.push(ctx, g, results)
		var tooFast *queue.TooFastError
		if !errors.As(err, &tooFast) {
			return err
		}
		wait := time.NewTimer(tooFast.Wait)
		select {
		case <-wait.C:
		case <-s.stopping:
			wait.Stop()
			return ErrStopping
		}
	}
}
