package smsctest

import (
	"bytes"
	"strconv"
	"time"
)

// replyRule is what Proxy does about requests that match. Proxy.mu guards it.
type replyRule struct {
	match   func(request []byte) bool
	swallow bool
	drop    bool
	again   time.Duration // sent again after this; 0: not
	left    int           // times that it still applies; negative: always
	applied int
}

// SwallowReply lets the requests for which match answers true through to the
// target, times times (0: until the proxy closes), but never their reply: when
// it comes, the connection is reset, so the client cannot know what became of
// the request. Requests are seen whole where they are RESP (Redis), a transaction
// from MULTI to EXEC as one, else as they were read. match runs under the proxy's lock. The answer tells how
// often it has happened.
func (p *Proxy) SwallowReply(match func(request []byte) bool, times int) func() int {
	return p.rule(&replyRule{match: match, swallow: true, left: times})
}

// DropRequest lets the requests for which match answers true, times times (0:
// until the proxy closes), never reach the target: the connection is reset, as
// by a line that broke before they were out. The answer tells how often it has
// happened.
func (p *Proxy) DropRequest(match func(request []byte) bool, times int) func() int {
	return p.rule(&replyRule{match: match, drop: true, left: times})
}

// SendAgain lets requests through untouched, and sends those for which match
// answers true again after a while, on another connection: a packet that comes
// twice, or late.
func (p *Proxy) SendAgain(match func(request []byte) bool, times int, after time.Duration) func() int {
	return p.rule(&replyRule{match: match, again: max(after, 1), left: times})
}

func (p *Proxy) rule(r *replyRule) func() int {
	if r.left == 0 {
		r.left = -1
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, r)
	return func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		return r.applied
	}
}

// applyRules reports what is to become of request: its reply is to be
// swallowed, or it is to go no further.
func (p *Proxy) applyRules(request []byte) (swallow, drop bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.rules {
		if r.left == 0 || !r.match(request) {
			continue
		}
		r.left--
		r.applied++
		swallow = swallow || r.swallow
		drop = drop || r.drop
		if r.again > 0 && p.ctx.Err() == nil {
			again := bytes.Clone(request)
			p.running.Go(func() { p.replay(again, r.again) })
		}
	}
	return swallow, drop
}

// frame cuts requests only while somebody looks at them.
func (p *Proxy) frame(b []byte) int {
	p.mu.Lock()
	looking := len(p.rules) > 0
	p.mu.Unlock()
	if !looking {
		return len(b)
	}
	return respWhole(b)
}

var (
	respMulti = []byte("*1\r\n$5\r\nmulti\r\n")
	respExec  = []byte("*1\r\n$4\r\nexec\r\n")
)

// transaction tells whether request is one.
func transaction(request []byte) bool {
	n := len(respMulti)
	return len(request) >= n && bytes.EqualFold(request[:n], respMulti)
}

// executed tells whether reply, or a piece of it, says that a request was
// executed: what is only queued for EXEC is answered by words.
func executed(inTransaction bool, reply []byte) bool {
	return !inTransaction || bytes.ContainsAny(reply, "*-")
}

// respWhole is respRequest, or the length of a whole transaction.
func respWhole(b []byte) int {
	n := respRequest(b)
	if n == 0 || !transaction(b[:n]) {
		return n
	}
	for at := n; at < len(b); {
		n := respRequest(b[at:])
		if n == 0 {
			return 0
		}
		request := b[at : at+n]
		if at += n; bytes.EqualFold(request, respExec) {
			return at
		}
	}
	return 0
}

// framed collects what was read into whole requests.
type framed struct {
	frame func([]byte) int // octets of the first whole request, 0: not whole yet
	rest  []byte
}

func (f *framed) each(b []byte, do func([]byte) error) error {
	f.rest = append(f.rest, b...)
	used := 0
	for used < len(f.rest) {
		n := f.frame(f.rest[used:])
		if n == 0 {
			break
		}
		if err := do(f.rest[used : used+n]); err != nil {
			return err
		}
		used += n
	}
	f.rest = f.rest[:copy(f.rest, f.rest[used:])]
	return nil
}

// respRequest is the length of the RESP array of bulk strings that b starts
// with, 0 while it is not whole, and all of b when it is none.
func respRequest(b []byte) int {
	if b[0] != '*' {
		return len(b)
	}
	count, at, ok := respNumber(b, 0)
	if !ok {
		return at
	}
	for range count {
		if at >= len(b) {
			return 0
		}
		if b[at] != '$' {
			return len(b)
		}
		size, next, ok := respNumber(b, at)
		if !ok {
			return next
		}
		at = next + size + 2
	}
	if at > len(b) {
		return 0
	}
	return at
}

// respNumber reads the number of the line that starts at at and where the next
// starts. When it is not there, next is what respRequest answers: 0 for more
// octets, or all of b when it is no number.
func respNumber(b []byte, at int) (n, next int, ok bool) {
	end := bytes.Index(b[at:], []byte("\r\n"))
	if end < 0 {
		if len(b)-at > 32 {
			return 0, len(b), false
		}
		return 0, 0, false
	}
	n, err := strconv.Atoi(string(b[at+1 : at+end]))
	if err != nil || n < 0 {
		return 0, len(b), false
	}
	return n, at + end + 2, true
}
