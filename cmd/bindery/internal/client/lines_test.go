package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// made are n lines, every tenth with a fault.
type made struct{ n, total int }

func (m *made) Next() (Line, error) {
	if m.n == m.total {
		return Line{}, io.EOF
	}
	m.n++
	l := Line{Number: m.n, JSON: fmt.Appendf(nil, `{"to":"+82%d","from":"1544","text":"%s"}`, m.n, strings.Repeat("x", 50))}
	if m.n%10 == 0 {
		l.Fault = "tenth"
	}
	return l, nil
}

func serveLines(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := New(s.URL, "key", 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.http.CloseIdleConnections)
	return c
}

func answerLine(w io.Writer, to string) {
	_ = json.NewEncoder(w).Encode(map[string]any{"id": "id" + to, "status": "queued", "parts": 1})
}

func readTo(line []byte) string {
	var m struct{ To string }
	_ = json.Unmarshal(line, &m)
	return m.To
}

// A server may answer while it reads, or read all first: each line gets its own
// answer either way.
func TestSendLinesPairsAnswersWithLines(t *testing.T) {
	const total = 20_000
	for name, early := range map[string]bool{"while it reads": true, "when it has read all": false} {
		t.Run(name, func(t *testing.T) {
			c := serveLines(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Idempotency-Key") != "k" || r.Header.Get("Content-Type") != "application/x-ndjson" || r.Header.Get("Authorization") != "Bearer key" {
					w.WriteHeader(500)
					return
				}
				if early {
					_ = http.NewResponseController(w).EnableFullDuplex()
				}
				var kept []string
				for s := bufio.NewScanner(r.Body); s.Scan(); {
					if to := readTo(s.Bytes()); early {
						answerLine(w, to)
					} else {
						kept = append(kept, to)
					}
				}
				for _, to := range kept {
					answerLine(w, to)
				}
			})
			n := 0
			err := c.SendLines(context.Background(), "k", &made{total: total}, func(a Answer) error {
				n++
				switch fault := n%10 == 0; {
				case a.Line != n, fault != (a.Error != nil), !fault && a.ID != fmt.Sprintf("id+82%d", n):
					return fmt.Errorf("answer %d is %+v", n, a)
				}
				return nil
			})
			if err != nil || n != total {
				t.Errorf("%d answers, %v", n, err)
			}
		})
	}
}

// A file beyond the limit of a request goes in several.
func TestSendLinesInShares(t *testing.T) {
	for total, want := range map[int]string{0: "", 1: "k:1", 99: "k:90", 100: "k:90", 101: "k:90 k-1:1", 200: "k:90 k-1:90", 201: "k:90 k-1:90 k-2:1"} {
		requests := ""
		c := serveLines(t, func(w http.ResponseWriter, r *http.Request) {
			n := 0
			for s := bufio.NewScanner(r.Body); s.Scan(); n++ {
				answerLine(w, "+821")
			}
			requests += fmt.Sprintf(" %s:%d", r.Header.Get("Idempotency-Key"), n)
		})
		answers := 0
		err := c.sendShares(context.Background(), "k", &made{total: total}, 100, func(Answer) error { answers++; return nil })
		if err != nil || answers != total || strings.TrimSpace(requests) != want {
			t.Errorf("%d lines: %d answers, requests%s, want %s, %v", total, answers, requests, want, err)
		}
	}
}

func TestSendLinesTellsWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		exit  int
		want  string
	}{
		"too few": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			answerLine(w, "+821")
		}, ExitLater, "ended its answer 2 lines early, from line 2 on"},
		"too many": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			for range 4 {
				answerLine(w, "+821")
			}
		}, ExitRefused, "answered more lines than it was sent"},
		"neither id nor error": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, "{}\n")
		}, ExitRefused, "not as Bindery does"},
		"not at all": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"title":"Service Unavailable","status":503}`)
		}, ExitLater, "answers 503"},
	} {
		t.Run(name, func(t *testing.T) {
			cl := serveLines(t, c.serve)
			err := cl.SendLines(context.Background(), "k", &made{total: 3}, func(Answer) error { return nil })
			var p *Problem
			if !errors.As(err, &p) || p.Exit != c.exit || !strings.Contains(p.Error(), c.want) {
				t.Errorf("%v, want %q with exit code %d", err, c.want, c.exit)
			}
		})
	}
}

func TestSendLinesEndsWithItsCaller(t *testing.T) {
	stop := errors.New("stop")
	c := serveLines(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		answerLine(w, "+821")
		_ = http.NewResponseController(w).Flush()
		_, _ = io.Copy(io.Discard, r.Body)
	})
	err := c.SendLines(context.Background(), "k", &made{total: 1 << 30}, func(Answer) error { return stop })
	if !errors.Is(err, stop) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err = c.SendLines(ctx, "k", &made{total: 1 << 30}, func(Answer) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
