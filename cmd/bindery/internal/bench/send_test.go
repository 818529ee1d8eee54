package bench

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"

	"bindery/cmd/bindery/internal/bench/ledger"
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
	l := ledger.New(50, 1)
	if err := stackAt(s.Listener.Addr().String()).singles(context.Background(), &ledger.Pace{Ledger: l, End: 50}, tailOf(Normal)); err != nil {
		t.Fatal(err)
	}
	e := ledger.Event{ID: []byte("i+821000000007"), Status: []byte("submitted"), To: []byte("+821000000007")}
	l.Event(&e)
	if b := l.Balance(50); l.Accepted() != 49 || l.Refused() != 1 || b.Strange != 0 {
		t.Errorf("%d taken, %d refused, %+v", l.Accepted(), l.Refused(), b)
	}
}

func stackAt(address string) *stack {
	return &stack{o: &Options{Accounts: 1, Messages: 100, Recipients: 10}, address: address, keys: []string{"k"}, heads: heads(address, []string{"k"}), tail: tailOf(Normal)}
}

func TestBatchesAreJSON(t *testing.T) {
	var b struct {
		From, Text, Priority string
		Recipients           []struct {
			To     string
			Values map[string]string
		}
	}
	if err := json.Unmarshal(appendBatch(nil, ledger.New(20, 1), 8, 3, priorityMember(urgent)), &b); err != nil || len(b.Recipients) != 3 || b.Priority != urgent || b.Recipients[2].To != "+821000000010" || b.Recipients[2].Values["number"] != "00000010" {
		t.Errorf("%v %+v", err, b)
	}
}

func TestCommandsAreRead(t *testing.T) {
	if c := parseCommand("calls=10,usec=25,usec_per_call=2.50,rejected_calls=0,failed_calls=0"); c != (command{10, 25}) {
		t.Errorf("%+v", c)
	}
}
