// Package wire speaks HTTP/1.1 by hand, over one connection that stays: net/http's
// client would cost the load twice what the gateway uses. The bench sends by it.
package wire

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
)

// Wire is one connection. It belongs to one goroutine.
type Wire struct {
	conn net.Conn
	r    *bufio.Reader
	body []byte
	stop func() bool
}

// Dial connects; the end of ctx closes the connection and so ends what waits.
func Dial(ctx context.Context, address string) (*Wire, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	return &Wire{conn: conn, r: bufio.NewReader(conn), stop: stop}, nil
}

// Close closes it.
func (c *Wire) Close() {
	c.stop()
	_ = c.conn.Close() // nothing is under way
}

// Ask sends a request and answers status and body; the body is valid until the
// next. An answer must name its length, at most 1 MiB.
func (c *Wire) Ask(request []byte) (status int, answer []byte, err error) {
	if _, err := c.conn.Write(request); err != nil {
		return 0, nil, err
	}
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if status, err = strconv.Atoi(string(line[min(9, len(line)):min(12, len(line))])); err != nil {
		return 0, nil, fmt.Errorf("status line %q", line)
	}
	length := -1
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, nil, err
			}
		}
	}
	if length < 0 || length > 1<<20 {
		return 0, nil, fmt.Errorf("an answer of %d octets", length)
	}
	c.body = append(c.body[:0], make([]byte, length)...)
	_, err = io.ReadFull(c.r, c.body)
	return status, c.body, err
}
