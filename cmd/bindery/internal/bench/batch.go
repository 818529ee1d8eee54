package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
)

// batches sends one text to many recipients a request. All messages of a batch
// are due at the moment of its first.
func (r *run) batches(ctx context.Context, p *pace) error {
	var body []byte
	for {
		first, count := p.take(r.o.Recipients)
		if count == 0 {
			return nil
		}
		p.wait(ctx, first)
		for n := first; n < first+count; n++ {
			r.l.due[n] = r.l.due[first]
		}
		body = appendBatch(body[:0], first, count)
		if err := r.batch(ctx, body, first, count); err != nil {
			return err
		}
	}
}

func appendBatch(dst []byte, first, count int) []byte {
	dst = append(dst, `{"from":"1544","text":"Your parcel {{number}} is on its way, it arrives today.","recipients":[`...)
	for n := first; n < first+count; n++ {
		if n > first {
			dst = append(dst, ',')
		}
		dst = appendNumber(append(dst, `{"to":"+`...), n)
		dst = strconv.AppendInt(append(dst, `","values":{"number":"`...), int64(n), 10)
		dst = append(dst, `"}}`...)
	}
	return append(dst, "]}"...)
}

func (r *run) batch(ctx context.Context, body []byte, first, count int) error {
	resp, err := r.post(ctx, "/v1/batches", "application/json", bytes.NewReader(body))
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
			r.l.accept(first+i, []byte(*id))
		}
	}
	for _, e := range a.Errors {
		r.l.refuse(e)
	}
	return nil
}
