package bench

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Our own HTTP is held against net/http's server, our own JSON against
// encoding/json.
func TestSingleSends(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct{ To, From, Text string }
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &m) != nil || r.Header.Get("Authorization") != "Bearer k" || r.Header.Get("Content-Type") != "application/json" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if m.To == "+821000000001" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"id":"i`+m.To+`"}`)
	}))
	defer s.Close()
	l := newLedger(50)
	if err := (&stack{address: s.Listener.Addr().String(), key: "k"}).singles(context.Background(), &pace{l: l, end: 50}); err != nil {
		t.Fatal(err)
	}
	if l.taking.Load() != 49 || l.refused.Load() != 1 || l.id[7] != hash([]byte("i+821000000007")) {
		t.Errorf("%d taken, %d refused", l.taking.Load(), l.refused.Load())
	}
}

func TestBatchesAreJSON(t *testing.T) {
	var b struct {
		From, Text string
		Recipients []struct {
			To     string
			Values map[string]string
		}
	}
	if err := json.Unmarshal(appendBatch(nil, 8, 3), &b); err != nil || len(b.Recipients) != 3 || b.Recipients[2].To != "+821000000010" || b.Recipients[2].Values["number"] != "00000010" {
		t.Errorf("%v %+v", err, b)
	}
}

func TestCommandsAreRead(t *testing.T) {
	if c := parseCommand("calls=10,usec=25,usec_per_call=2.50,rejected_calls=0,failed_calls=0"); c != (command{10, 25}) {
		t.Errorf("%+v", c)
	}
}
