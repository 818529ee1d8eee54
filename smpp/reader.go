package smpp

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"bindery/smpp/pdu"
)

// inbound is the reader's own. It is what the frame reader reads from: before
// the session starts the bare connection, then with the work between two reads.
type inbound struct {
	conn    net.Conn
	session *Session // nil until start
	odd     OddHandler
	others  OperationHandler // nil: they are declined
	frames  *pdu.Reader
	decoder pdu.Decoder
	every   time.Duration // between two ticks; set before start
	tick    time.Duration // the next
	now     time.Duration // when the last read returned

	pdus, octets uint64 // since they were last added to Stat
	spoken       bool   // the handler was called since its last Idle
	results      []Result
	slots        []slot
}

// tickEvery is how exact the timers are: a fortieth of the response time-out,
// 10 to 250 ms.
func tickEvery(c Config) time.Duration {
	return min(max(c.ResponseTimeout/40, 10*time.Millisecond), 250*time.Millisecond)
}

func (in *inbound) Read(p []byte) (int, error) {
	if in.session == nil {
		return in.conn.Read(p)
	}
	for {
		if err := in.session.between(); err != nil {
			return 0, err
		}
		n, err := in.conn.Read(p)
		if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		in.session.arrived(n)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = nil
		}
		return n, err
	}
}

// read is the reader's goroutine.
func (s *Session) read() {
	for {
		frame, err := s.in.frames.Next()
		if err != nil {
			s.end(err)
			return
		}
		s.in.pdus++
		s.take(frame)
	}
}

// arrived begins a batch: what one read brought.
func (s *Session) arrived(n int) {
	s.in.now = s.clock()
	s.in.octets += uint64(n)
	s.mu.Lock()
	s.batching = true
	s.mu.Unlock()
}

// between is what the reader does before each read: the batch is over, the
// timers run, results of others are told, and a lane of answers that the peer
// does not take is waited for. An error ends the session.
func (s *Session) between() error {
	s.idle()
	for {
		s.mu.Lock()
		s.endBatch()
		s.runTimers(s.clock())
		if err := s.cause; err != nil {
			s.mu.Unlock()
			return err
		}
		s.in.results, s.returned = s.returned, s.in.results[:0]
		tell := len(s.in.results) > 0
		if !tell && !s.stall() {
			err := s.arm()
			s.mu.Unlock()
			return err
		}
		s.mu.Unlock()
		if tell {
			s.tell(s.in.results)
			s.idle()
		} else {
			s.awaitRoom()
		}
	}
}

func (s *Session) idle() {
	if s.in.spoken {
		s.in.spoken = false
		s.handler.Idle(s)
	}
}

func (s *Session) tell(results []Result) {
	for _, r := range results {
		s.in.spoken = true
		s.handler.Result(s, r)
	}
	clear(results)
}

// awaitRoom waits for the writer to take answers, at most to the next tick.
func (s *Session) awaitRoom() {
	t := time.NewTimer(s.in.tick - s.clock())
	defer t.Stop()
	select {
	case <-s.room:
	case <-t.C:
	}
}

// endBatch, stall, arm, due and runTimers are called with mu held.

func (s *Session) endBatch() {
	s.batching = false
	if s.in.pdus > 0 {
		s.time.hear(s.in.now)
		s.stat.Heard = s.began.Add(s.in.now)
	}
	s.stat.PDUsIn += s.in.pdus
	s.stat.OctetsIn += s.in.octets
	s.in.pdus, s.in.octets = 0, 0
	if !s.out.empty() {
		s.wake.Signal()
	}
}

// stall tells whether reading has to wait until the peer takes answers.
func (s *Session) stall() bool {
	s.stalled = s.out.control.len() >= stallControl
	return s.stalled
}

// arm sets the read deadline to where the timers may have something to do,
// unless it lies between the next tick and there already: coming by early
// changes nothing, and traffic moves the next enquire_link with each read.
func (s *Session) arm() error {
	at := s.due()
	if !s.kicked && s.in.tick <= s.armed && s.armed <= at {
		return nil
	}
	s.kicked, s.armed = false, at
	return s.conn.SetReadDeadline(s.began.Add(at))
}

// restless is the longest that a reader sleeps for its timers' sake.
const restless = time.Hour

// due is the tick at which the timers are to run next: the next one while a
// request waits for its response, else that of the next event.
func (s *Session) due() time.Duration {
	if s.win.open > 0 {
		return s.in.tick
	}
	at, ok := s.time.next()
	if !ok {
		at = s.in.tick + restless
	}
	return max(s.in.tick, s.in.onTick(at))
}

// onTick is the first tick that is not before at.
func (in *inbound) onTick(at time.Duration) time.Duration {
	if in.every <= 0 {
		return at
	}
	return (at + in.every - 1) / in.every * in.every
}

// expect has the reader come by for its timers at the tick of at, should it
// sleep for longer (mu held). Whoever gives the timers something new calls it:
// the reader itself looks before each read.
func (s *Session) expect(at time.Duration) {
	if at = s.in.onTick(at); !s.kicked && at < s.armed {
		s.armed = at
		s.conn.SetReadDeadline(s.began.Add(at))
	}
}

func (s *Session) runTimers(now time.Duration) {
	if now < s.in.tick {
		return
	}
	s.in.tick = now - now%s.in.every + s.in.every
	s.in.slots = s.win.expire(now, s.in.slots[:0])
	for _, sl := range s.in.slots {
		s.returned = append(s.returned, Result{Token: sl.token, Err: ErrTimeout, Written: true})
	}
	overdue := len(s.in.slots)
	s.stat.Timeouts += uint64(overdue)
	if overdue > 0 {
		s.setFree()
		s.finishUnbind()
	}
	switch s.time.tick(now, overdue > 0) {
	case askEnquire:
		s.askEnquire()
	case giveUp:
		s.fail(local(ErrUnresponsive))
	case closeNow:
		s.fail(s.overtime())
	case rest:
	}
}

// askEnquire queues an enquire_link; while ours piles up unread there is no use
// in another.
func (s *Session) askEnquire() {
	s.stat.Enquiries++
	if s.stop != goOn || s.out.control.len() >= stallControl {
		return
	}
	s.win.enquire = 0
	s.win.enquire = s.win.control()
	s.control(pdu.CommandEnquireLink, pdu.StatusOK, s.win.enquire)
}

// end hands back every open request, tells the owner, and is the last thing
// that the session does.
func (s *Session) end(err error) {
	s.mu.Lock()
	s.endBatch()
	s.closing, s.state = true, Closed
	s.setFree()
	lingers := s.conclude(err)
	s.wake.Signal()
	s.mu.Unlock()
	if lingers {
		s.linger()
	}
	closeAtOnce(s.conn)
	<-s.written

	s.mu.Lock()
	results := append(s.returned, s.openRequests()...)
	s.returned = nil
	cause := s.cause
	s.mu.Unlock()
	s.tell(results)
	s.idle()
	s.handler.Closed(s, cause)
	close(s.done)
}

// conclude fixes the reason and how the writer goes (mu held). It answers true
// when a last answer is to be written.
func (s *Session) conclude(err error) (lingers bool) {
	var length *pdu.LengthError
	switch {
	case s.cause != nil:
	case s.leaving != nil && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
		s.cause = s.leaving
	case errors.As(err, &length):
		s.cause = remote(err)
		s.out.dropData()
		s.control(pdu.CommandGenericNack, pdu.StatusInvCmdLen, 0)
		s.stop = flush
		return true
	default:
		s.cause = remote(err)
	}
	s.stop = abort
	return false
}

// lingerFor is how long the end of a connection in order may take: our last
// octets out, the peer's end in.
const lingerFor = time.Second

// linger lets the writer flush and close our direction, and reads what still
// comes, so that the kernel ends the connection with FIN and the peer sees our
// last PDU.
func (s *Session) linger() {
	s.mu.Lock()
	s.conn.SetDeadline(time.Now().Add(lingerFor))
	s.mu.Unlock()
	<-s.written
	var junk [4096]byte
	for {
		if _, err := s.conn.Read(junk[:]); err != nil {
			return
		}
	}
}

// openRequests are the results of what is still in the window (mu held).
func (s *Session) openRequests() []Result {
	s.in.slots = s.win.takeFrom(0, s.in.slots[:0])
	results := make([]Result, 0, len(s.in.slots))
	for _, sl := range s.in.slots {
		results = append(results, Result{Token: sl.token, Err: s.cause, Written: sl.start < s.out.sent})
	}
	return results
}
