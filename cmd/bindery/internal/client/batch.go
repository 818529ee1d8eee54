package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
)

// A batch is at most 10,000 recipients, 50,000 parts and 8 MiB; with so many
// recipients a text may have ten parts.
const (
	batchRecipients = 5000
	batchOctets     = 6 << 20
)

// SendBatches sends one text to recipients, in as many batches as it takes. Each
// is taken whole or not at all, and has a key of its own that a repeat finds
// again.
func (c *Client) SendBatches(ctx context.Context, key string, shared map[string]string, recipients Lines, heard func(Answer) error) error {
	for part := 0; ; part++ {
		some, readErr := gather(recipients)
		if len(some) > 0 {
			name := key
			if part > 0 {
				name = fmt.Sprintf("%s-%d", key, part)
			}
			if err := c.sendBatch(ctx, name, shared, some, heard); err != nil {
				return err
			}
		}
		if errors.Is(readErr, io.EOF) {
			return nil
		}
		if readErr != nil {
			return readErr
		}
	}
}

// gather reads one batch's recipients; the error ends the file.
func gather(from Lines) (some []Line, err error) {
	for octets := 0; len(some) < batchRecipients && octets < batchOctets; {
		l, err := from.Next()
		if err != nil {
			return some, err
		}
		l.JSON = slices.Clone(l.JSON)
		octets += len(l.JSON)
		some = append(some, l)
	}
	return some, nil
}

func (c *Client) sendBatch(ctx context.Context, key string, shared map[string]string, lines []Line, heard func(Answer) error) error {
	recipients := make([]json.RawMessage, 0, len(lines))
	place := make([]int, 0, len(lines)) // in lines, of each recipient
	answers := make([]Answer, len(lines))
	for i, l := range lines {
		answers[i].Line = l.Number
		if l.Fault != "" {
			answers[i].Error = &LineError{Title: "not sent: " + l.Fault}
			continue
		}
		recipients, place = append(recipients, l.JSON), append(place, i)
	}
	if len(recipients) > 0 {
		if err := c.postBatch(ctx, key, shared, recipients, func(i int) *Answer { return &answers[place[i]] }); err != nil {
			return err
		}
	}
	for _, a := range answers {
		if err := heard(a); err != nil {
			return err
		}
	}
	return nil
}

// postBatch sends one batch and fills in the answers.
func (c *Client) postBatch(ctx context.Context, key string, shared map[string]string, recipients []json.RawMessage, answer func(i int) *Answer) error {
	whole := map[string]any{"recipients": recipients}
	for name, value := range shared {
		whole[name] = value
	}
	body, err := json.Marshal(whole)
	if err != nil {
		return err
	}
	said, err := c.JSON(ctx, Request{
		Method: http.MethodPost, Path: "/v1/batches", Type: "application/json", Body: bytes.NewReader(body),
		Header: map[string]string{"Idempotency-Key": key},
	})
	if err != nil {
		return err
	}
	var b struct {
		Batch  string    `json:"batch"`
		IDs    []*string `json:"ids"`
		Errors []struct {
			Index int `json:"index"`
			FieldError
		} `json:"errors"`
	}
	if err := c.decode(said, &b); err != nil {
		return err
	}
	if len(b.IDs) != len(recipients) {
		return c.stranger(http.StatusAccepted)
	}
	for _, e := range b.Errors {
		if e.Index < 0 || e.Index >= len(recipients) {
			return c.stranger(http.StatusAccepted)
		}
		a := answer(e.Index)
		if a.Error == nil {
			a.Error = &LineError{Status: http.StatusUnprocessableEntity, Title: http.StatusText(http.StatusUnprocessableEntity)}
		}
		a.Error.Errors = append(a.Error.Errors, e.FieldError)
	}
	for i, id := range b.IDs {
		a := answer(i)
		a.Batch = b.Batch
		switch {
		case id != nil:
			a.ID, a.Status = *id, "queued"
		case a.Error == nil:
			return c.stranger(http.StatusAccepted)
		}
	}
	return nil
}
