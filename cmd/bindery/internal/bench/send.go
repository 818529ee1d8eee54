package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"bindery/cmd/bindery/internal/bench/ledger"
	"bindery/cmd/bindery/internal/bench/wire"
)

// sender sends a message a request over one connection.
type sender struct {
	c       *wire.Wire
	heads   []string // of requests, by account
	keyed   bool
	tail    string
	body    []byte
	request []byte
}

func heads(address string, keys []string) (list []string) {
	for _, key := range keys {
		list = append(list, fmt.Sprintf("POST /v1/messages HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n", address, key))
	}
	return list
}

func (s *stack) dial(ctx context.Context, tail string) (*sender, error) {
	c, err := wire.Dial(ctx, s.address)
	return &sender{c: c, heads: s.heads, keyed: s.o.Keyed, tail: tail}, err
}

func (x *sender) send(l *ledger.Ledger, n int) error {
	x.body = append(appendMessage(append(x.body[:0], `{"to":"`...), l, n, x.tail), '}')
	x.request = append(x.request[:0], x.heads[n%len(x.heads)]...)
	if x.keyed {
		x.request = append(strconv.AppendInt(append(x.request, "Idempotency-Key: bench-"...), int64(n), 10), "\r\n"...)
	}
	x.request = strconv.AppendInt(append(x.request, "Content-Length: "...), int64(len(x.body)), 10)
	x.request = append(x.request, "\r\n\r\n"...)
	x.request = append(x.request, x.body...)
	status, answer, err := x.c.Ask(x.request)
	if err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	if id := member(answer, `"id":"`); status == http.StatusAccepted && id != nil {
		l.Accept(n, id)
	} else {
		l.Refuse(answer)
	}
	return nil
}

// singles sends a message a request over one connection.
func (s *stack) singles(ctx context.Context, p *ledger.Pace, tail string) error {
	x, err := s.dial(ctx, tail)
	if err != nil {
		return err
	}
	defer x.c.Close()
	for {
		n, count := p.Take(1)
		if count == 0 {
			return nil
		}
		p.Wait(ctx, n)
		if err := x.send(p.Ledger, n); err != nil {
			return err
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
func appendMessage(dst []byte, l *ledger.Ledger, n int, tail string) []byte {
	dst = l.AppendNumber(append(dst, '+'), n)
	dst = ledger.AppendDigits(append(dst, `","from":"1544","text":"`+textHead...), n)
	return append(dst, tail...)
}

// tailOf ends a message: of its text on.
func tailOf(priority string) string { return textTail + `"` + priorityMember(priority) }

func priorityMember(priority string) string {
	if priority == "" || priority == Normal {
		return "" // the default
	}
	return `,"priority":"` + priority + `"`
}

// A request of lines may have a million of them.
const linesMost = 500_000

// lines sends every of-th message from the k-th on as the lines of as few
// requests as may be; with several accounts, of one after the other.
func (s *stack) lines(ctx context.Context, p *ledger.Pace, k, of int) error {
	most := linesMost
	if s.o.Accounts > 1 {
		most = max(100, min(10_000, s.o.Messages/s.o.Accounts))
	}
	for n, turn := p.First+k, k; p.More(n) && ctx.Err() == nil; turn += of {
		r := &request{s: s, p: p, key: s.keys[turn%len(s.keys)], first: n, step: of, most: most}
		if err := r.do(ctx); err != nil {
			return err
		}
		n += r.written * of
	}
	return ctx.Err()
}

// request is one of lines: it writes messages and reads the answers, which come
// in order, meanwhile.
type request struct {
	s           *stack
	p           *ledger.Pace
	key         string
	first, step int
	most        int
	written     int // the writer's, until it is done
	answered    int
}

func (r *request) do(ctx context.Context) error {
	body, pipe := io.Pipe()
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error {
		err := r.write(ctx, pipe)
		pipe.CloseWithError(err)
		return err
	})
	work.Go(func() error {
		defer body.CloseWithError(io.ErrClosedPipe)
		resp, err := r.s.post(ctx, "/v1/messages", "application/x-ndjson", r.key, body)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return r.read(resp)
	})
	if err := work.Wait(); err != nil {
		return err
	}
	if r.answered != r.written {
		return fmt.Errorf("%d lines were answered by %d", r.written, r.answered)
	}
	return nil
}

// write hands lines on when their moment has come, as many at once as are due.
func (r *request) write(ctx context.Context, to io.Writer) error {
	const most = 64 << 10 // octets at once
	var buffer []byte
	for n := r.first; r.written == 0 || r.written < r.most && r.p.More(n) && ctx.Err() == nil; n += r.step {
		if r.p.Rate > 0 && time.Until(r.p.Due(n)) > 0 || !r.p.Room() {
			if _, err := to.Write(buffer); err != nil {
				return err
			}
			buffer = buffer[:0]
		}
		r.p.Wait(ctx, n)
		buffer = append(appendMessage(append(buffer, `{"to":"`...), r.p.Ledger, n, r.s.tail), "}\n"...)
		r.written++
		if len(buffer) > most {
			if _, err := to.Write(buffer); err != nil {
				return err
			}
			buffer = buffer[:0]
		}
	}
	if _, err := to.Write(buffer); err != nil {
		return err
	}
	return ctx.Err()
}

func (r *request) read(resp *http.Response) error {
	answers := bufio.NewScanner(resp.Body)
	answers.Buffer(make([]byte, 64<<10), 1<<20)
	for n := r.first; answers.Scan(); n += r.step {
		line := answers.Bytes()
		if r.answered++; r.answered > r.most || n >= r.p.End {
			return errors.New("more answers than lines")
		}
		if id := member(line, `"id":"`); id != nil && !bytes.HasPrefix(line, []byte(`{"error"`)) {
			r.p.Accept(n, id)
		} else {
			r.p.Refuse(line)
		}
	}
	if err := answers.Err(); err != nil {
		return fmt.Errorf("the answers: %w", err)
	}
	return nil
}

// post asks by net/http, for requests that carry many messages.
func (s *stack) post(ctx context.Context, path, kind, key string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.address+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("sending: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		answer, err := io.ReadAll(io.LimitReader(resp.Body, 1000))
		if err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %s: %s", errRefused, resp.Status, bytes.TrimSpace(answer))
	}
	return resp, nil
}

// batches sends one text to many recipients a request. All messages of a batch
// are due at the moment of its first.
func (s *stack) batches(ctx context.Context, p *ledger.Pace) error {
	var body []byte
	for {
		first, count := p.Take(s.o.Recipients)
		if count == 0 {
			return nil
		}
		p.WaitAll(ctx, first, count)
		body = appendBatch(body[:0], p.Ledger, first, count, priorityMember(s.bulk()))
		if err := s.batch(ctx, p.Ledger, body, first, count); err != nil {
			return err
		}
	}
}

func appendBatch(dst []byte, l *ledger.Ledger, first, count int, priority string) []byte {
	dst = append(dst, `{"from":"1544"`+priority+`,"text":"`+textHead+`{{number}}`+textTail+`","recipients":[`...)
	for n := first; n < first+count; n++ {
		if n > first {
			dst = append(dst, ',')
		}
		dst = l.AppendNumber(append(dst, `{"to":"+`...), n)
		dst = ledger.AppendDigits(append(dst, `","values":{"number":"`...), n)
		dst = append(dst, `"}}`...)
	}
	return append(dst, "]}"...)
}

func (s *stack) batch(ctx context.Context, l *ledger.Ledger, body []byte, first, count int) error {
	resp, err := s.post(ctx, "/v1/batches", "application/json", s.keys[first/s.o.Recipients%len(s.keys)], bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var a struct {
		IDs    []*string         `json:"ids"`
		Errors []json.RawMessage `json:"errors"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		return fmt.Errorf("a batch's answer: %w", err)
	}
	if len(a.IDs) != count {
		return fmt.Errorf("a batch of %d was answered with %d ids", count, len(a.IDs))
	}
	for i, id := range a.IDs {
		if id != nil {
			l.Accept(first+i, []byte(*id))
		}
	}
	for _, e := range a.Errors {
		l.Refuse(e)
	}
	return nil
}
