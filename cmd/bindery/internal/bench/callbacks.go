package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"bindery/cmd/bindery/internal/bench/ledger"
)

// kannelID stands for the id that sendsms does not give.
var kannelID = []byte("kannel")

var urlHead, urlTail = url.QueryEscape(textHead), url.QueryEscape(textTail)

// callbacks takes what smsbox calls for each final receipt: GET
// /<destination>/<what the receipt says>. It speaks HTTP by hand as wire does,
// lest the load take the machine from what it measures.
type callbacks struct {
	l       net.Listener
	address string
	broken  atomic.Int64 // requests cut short, or that were none

	mu    sync.Mutex // guards the ledger's events and conns: each connection has a goroutine
	conns map[net.Conn]bool
}

func listenForCalls() (*callbacks, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &callbacks{l: l, address: l.Addr().String(), conns: map[net.Conn]bool{}}, nil
}

// serve notes callbacks until ctx is over.
func (c *callbacks) serve(ctx context.Context, l *ledger.Ledger) error {
	var open sync.WaitGroup
	defer open.Wait()
	stop := context.AfterFunc(ctx, func() { _ = c.close() })
	defer stop()
	for {
		conn, err := c.l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		c.mu.Lock()
		if c.conns == nil { // closed meanwhile
			c.mu.Unlock()
			_ = conn.Close()
			continue
		}
		c.conns[conn] = true
		c.mu.Unlock()
		open.Go(func() { c.read(ctx, conn, l) })
	}
}

// close may come twice.
func (c *callbacks) close() error {
	c.mu.Lock()
	conns := c.conns
	c.conns = nil
	c.mu.Unlock()
	for conn := range conns {
		_ = conn.Close() // its reader ends with it
	}
	if err := c.l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

var callAnswer = []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

func (c *callbacks) read(ctx context.Context, conn net.Conn, l *ledger.Ledger) {
	defer conn.Close()
	for r := bufio.NewReader(conn); ; {
		line, err := r.ReadSlice('\n')
		if err != nil {
			if len(line) > 0 && ctx.Err() == nil {
				c.broken.Add(1)
			}
			break
		}
		e, ok := readCall(line)
		if ok {
			// The event has its octets in the reader's buffer, until the next line.
			c.mu.Lock()
			l.Event(&e)
			c.mu.Unlock()
		} else {
			c.broken.Add(1)
		}
		for len(bytes.TrimRight(line, "\r\n")) > 0 && err == nil {
			line, err = r.ReadSlice('\n')
		}
		if err != nil {
			break
		}
		if _, err := conn.Write(callAnswer); err != nil {
			break
		}
	}
	c.mu.Lock()
	delete(c.conns, conn)
	c.mu.Unlock()
}

// readCall reads "GET /821000000007/1 HTTP/1.1".
func readCall(line []byte) (ledger.Event, bool) {
	rest, ok := bytes.CutPrefix(line, []byte("GET /"))
	to, rest, slash := bytes.Cut(rest, []byte("/"))
	says, _, blank := bytes.Cut(rest, []byte(" "))
	if !ok || !slash || !blank {
		return ledger.Event{}, false
	}
	status := []byte("not delivered")
	if string(says) == "1" {
		status = []byte("delivered")
	}
	return ledger.Event{ID: kannelID, Status: status, To: to, At: time.Now().UnixNano()}, true
}
