package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// singles sends a message a request over one connection. It speaks HTTP/1.1
// by hand: net/http's client would cost the load twice what the gateway uses.
func (r *run) singles(ctx context.Context, p *pace) error {
	c, err := dial(ctx, r.s.base, r.s.key)
	if err != nil {
		return err
	}
	defer c.close()
	var body []byte
	for {
		n, count := p.take(1)
		if count == 0 {
			return nil
		}
		p.wait(ctx, n)
		body = append(appendMessage(append(body[:0], `{"to":"`...), n), '}')
		status, answer, err := c.post(body)
		if err != nil {
			return fmt.Errorf("sending: %w", err)
		}
		if id := member(answer, `"id":"`); status == 202 && id != nil {
			r.l.accept(n, id)
		} else {
			r.l.refuse(answer)
		}
	}
}

// appendMessage writes the members of a message from within "to" on.
func appendMessage(dst []byte, n int) []byte {
	dst = appendNumber(append(dst, '+'), n)
	dst = append(dst, `","from":"1544","text":"Your parcel `...)
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, ` is on its way, it arrives today."`...)
}

// wire is one connection to the API.
type wire struct {
	conn  net.Conn
	r     *bufio.Reader
	head  []byte // of each request, up to the content's length
	out   []byte
	body  []byte
	close func()
}

func dial(ctx context.Context, base, key string) (*wire, error) {
	address := strings.TrimPrefix(base, "http://")
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // ends what waits
	return &wire{
		conn: conn, r: bufio.NewReader(conn),
		head: fmt.Appendf(nil, "POST /v1/messages HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: ", address, key),
		close: func() {
			stop()
			_ = conn.Close() // nothing is under way
		},
	}, nil
}

// post answers status and body; the body is valid until the next.
func (c *wire) post(body []byte) (status int, answer []byte, err error) {
	c.out = append(strconv.AppendInt(append(c.out[:0], c.head...), int64(len(body)), 10), "\r\n\r\n"...)
	c.out = append(c.out, body...)
	if _, err := c.conn.Write(c.out); err != nil {
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
