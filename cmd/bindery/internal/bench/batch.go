package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
)

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
