package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
)

// wire is one HTTP/1.1 connection, spoken by hand: net/http's client would cost
// the load twice what the gateway uses.
type wire struct {
	conn  net.Conn
	r     *bufio.Reader
	body  []byte
	close func()
}

func dial(ctx context.Context, address string) (*wire, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // ends what waits
	return &wire{conn: conn, r: bufio.NewReader(conn), close: func() {
		stop()
		_ = conn.Close() // nothing is under way
	}}, nil
}

// ask sends a request and answers status and body; the body is valid until the
// next.
func (c *wire) ask(request []byte) (status int, answer []byte, err error) {
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
