package bench

import (
	"context"
	"fmt"
	"strconv"

	"bindery/cmd/bindery/internal/bench/wire"
)

// singles sends a message a request over one connection.
func (s *stack) singles(ctx context.Context, p *pace) error {
	c, err := wire.Dial(ctx, s.address)
	if err != nil {
		return err
	}
	defer c.Close()
	head := fmt.Appendf(nil, "POST /v1/messages HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: ", s.address, s.key)
	var body, request []byte
	for {
		n, count := p.take(1)
		if count == 0 {
			return nil
		}
		p.wait(ctx, n)
		body = append(appendMessage(append(body[:0], `{"to":"`...), n), '}')
		request = append(strconv.AppendInt(append(request[:0], head...), int64(len(body)), 10), "\r\n\r\n"...)
		status, answer, err := c.Ask(append(request, body...))
		if err != nil {
			return fmt.Errorf("sending: %w", err)
		}
		if id := member(answer, `"id":"`); status == 202 && id != nil {
			p.l.accept(n, id)
		} else {
			p.l.refuse(answer)
		}
	}
}

// A text has 160 characters of GSM 03.38, one part, with the message's number in
// it.
const (
	textHead = "Your parcel "
	textTail = " is on its way. It arrives today between 9 and 18 h. If nobody is there, it waits for you at the post office for 7 days. Ask: example.net/on"
)

// appendMessage writes the members of a message from within "to" on.
func appendMessage(dst []byte, n int) []byte {
	dst = appendNumber(append(dst, '+'), n)
	dst = appendDigits(append(dst, `","from":"1544","text":"`+textHead...), n)
	return append(dst, textTail+`"`...)
}
