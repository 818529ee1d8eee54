package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// lines sends every of-th message from the k-th on as the lines of one request,
// and reads the answers, which come in order, meanwhile.
func (s *stack) lines(ctx context.Context, p *pace, k, of int) error {
	body, pipe := io.Pipe()
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error {
		err := writeLines(ctx, pipe, p, k, of)
		pipe.CloseWithError(err)
		return err
	})
	work.Go(func() error {
		defer body.CloseWithError(io.ErrClosedPipe)
		resp, err := s.post(ctx, "/v1/messages", "application/x-ndjson", body)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return readLines(resp, p, k, of)
	})
	return work.Wait()
}

// writeLines hands lines on when their moment has come, as many at once as are
// due.
func writeLines(ctx context.Context, to io.Writer, p *pace, k, of int) error {
	const most = 64 << 10 // octets at once
	var buffer []byte
	for n := p.first + k; n < p.end && ctx.Err() == nil; n += of {
		if due := p.due(n); p.rate > 0 && time.Until(due) > 0 {
			if _, err := to.Write(buffer); err != nil {
				return err
			}
			buffer = buffer[:0]
		}
		p.wait(ctx, n)
		buffer = append(appendMessage(append(buffer, `{"to":"`...), n), "}\n"...)
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

func readLines(resp *http.Response, p *pace, k, of int) error {
	n := p.first + k
	answers := bufio.NewScanner(resp.Body)
	answers.Buffer(make([]byte, 64<<10), 1<<20)
	for answers.Scan() {
		line := answers.Bytes()
		if n >= p.end {
			return fmt.Errorf("more answers than lines")
		}
		if id := member(line, `"id":"`); id != nil && !bytes.HasPrefix(line, []byte(`{"error"`)) {
			p.l.accept(n, id)
		} else {
			p.l.refuse(line)
		}
		n += of
	}
	if err := answers.Err(); err != nil {
		return fmt.Errorf("the answers: %w", err)
	}
	if n < p.end {
		return fmt.Errorf("the answers ended before message %d", n)
	}
	return nil
}

// post asks by net/http, for requests that carry many messages.
func (s *stack) post(ctx context.Context, path, kind string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.address+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
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
func (s *stack) batches(ctx context.Context, p *pace) error {
	var body []byte
	for {
		first, count := p.take(s.o.Recipients)
		if count == 0 {
			return nil
		}
		p.wait(ctx, first)
		for n := first; n < first+count; n++ {
			p.l.due[n] = p.l.due[first]
		}
		body = appendBatch(body[:0], first, count)
		if err := s.batch(ctx, p.l, body, first, count); err != nil {
			return err
		}
	}
}

func appendBatch(dst []byte, first, count int) []byte {
	dst = append(dst, `{"from":"1544","text":"`+textHead+`{{number}}`+textTail+`","recipients":[`...)
	for n := first; n < first+count; n++ {
		if n > first {
			dst = append(dst, ',')
		}
		dst = appendNumber(append(dst, `{"to":"+`...), n)
		dst = appendDigits(append(dst, `","values":{"number":"`...), n)
		dst = append(dst, `"}}`...)
	}
	return append(dst, "]}"...)
}

func (s *stack) batch(ctx context.Context, l *ledger, body []byte, first, count int) error {
	resp, err := s.post(ctx, "/v1/batches", "application/json", bytes.NewReader(body))
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
			l.accept(first+i, []byte(*id))
		}
	}
	for _, e := range a.Errors {
		l.refuse(e)
	}
	return nil
}
