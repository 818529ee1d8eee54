package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
)

// A long file goes as several batches, each under a key of its own, and every
// row gets the answer that is its own.
func TestSendBatches(t *testing.T) {
	const total = 2*batchRecipients + 10
	var keys []string
	c := serveLines(t, func(w http.ResponseWriter, r *http.Request) {
		var b struct {
			Text       string
			Recipients []struct{ To string }
		}
		if err := json.NewDecoder(r.Body).Decode(&b); err != nil || b.Text != "Hi {{name}}" || len(b.Recipients) > batchRecipients {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		ids, faults := make([]*string, len(b.Recipients)), []map[string]any{}
		for i, to := range b.Recipients {
			if to.To == "+8217" {
				faults = append(faults, map[string]any{"index": i, "field": "to", "message": "no"})
				continue
			}
			id := "id" + to.To
			ids[i] = &id
		}
		w.WriteHeader(http.StatusAccepted)
		_ = json.NewEncoder(w).Encode(map[string]any{"batch": "b", "ids": ids, "errors": faults})
	})
	n := 0
	err := c.SendBatches(context.Background(), "k", map[string]string{"text": "Hi {{name}}"}, &made{total: total}, func(a Answer) error {
		n++
		switch {
		case a.Line != n:
			return fmt.Errorf("answer %d is of line %d", n, a.Line)
		case n%10 == 0: // a fault of the file
			if a.Error == nil || a.Error.Status != 0 {
				return fmt.Errorf("%+v", a)
			}
		case n == 17:
			if a.Error == nil || a.Error.Status != 422 || a.Error.Errors[0].Field != "to" {
				return fmt.Errorf("%+v", a)
			}
		case a.ID != fmt.Sprintf("id+82%d", n) || a.Error != nil:
			return fmt.Errorf("%+v", a)
		}
		return nil
	})
	if err != nil || n != total || !slices.Equal(keys, []string{"k", "k-1", "k-2"}) {
		t.Errorf("%d answers, keys %v, %v", n, keys, err)
	}
}

func TestSendBatchesTrustsNoAnswer(t *testing.T) {
	for _, body := range []string{`{}`, `{"ids":["a"]}`, `{"ids":["a",null]}`, `{"ids":["a","b"],"errors":[{"index":2}]}`, `{"ids":["a",null],"errors":[{"index":-1}]}`, `[`} {
		c := serveLines(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write([]byte(body))
		})
		if err := c.SendBatches(context.Background(), "k", nil, &made{total: 2}, func(Answer) error { return nil }); err == nil {
			t.Errorf("%s was taken for an answer", body)
		}
	}
}
