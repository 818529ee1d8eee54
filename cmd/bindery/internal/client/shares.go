package client

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// SendLines sends messages in as many requests as they need, each under a key of
// its own that a repeat finds again, and hands each answer over, in order. A line
// with a fault is not sent.
func (c *Client) SendLines(ctx context.Context, key string, lines Lines, heard func(Answer) error) error {
	return c.sendShares(ctx, key, lines, MaxLines, heard)
}

func (c *Client) sendShares(ctx context.Context, key string, lines Lines, most int, heard func(Answer) error) error {
	for part := 0; ; part++ {
		first, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := key
		if part > 0 {
			name = fmt.Sprintf("%s-%d", key, part)
		}
		if err := c.sendShare(ctx, name, &share{lines: lines, most: most, first: first}, heard); err != nil {
			return err
		}
	}
}

// share is one request's share of the lines. The first is read ahead, so that no
// request is made for nothing.
type share struct {
	lines Lines
	most  int
	first Line
	n     int
}

func (s *share) Next() (Line, error) {
	if s.n++; s.n == 1 {
		return s.first, nil
	}
	if s.n > s.most {
		return Line{}, io.EOF
	}
	return s.lines.Next()
}
