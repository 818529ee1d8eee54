package smppcarrier

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"bindery/gateway/dispatch"
	"bindery/smpp"
	"bindery/smpp/bindpool"
	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

// client is a carrier that binds to us, and what we answered it.
type client struct{ answers []pdu.Header }

func (*client) Request(*smpp.Session, pdu.PDU) {}
func (*client) Idle(*smpp.Session)             {}
func (*client) Closed(*smpp.Session, error)    {}
func (c *client) Result(_ *smpp.Session, r smpp.Result) {
	c.answers = append(c.answers, *r.Resp.Head())
}

// visited runs f on a session of a carrier that binds to us, and answers what it
// was answered and what was logged.
func visited(t *testing.T, f func(s *smpp.Session)) ([]pdu.Header, string) {
	t.Helper()
	var log bytes.Buffer
	a, c := new(bindpool.Acceptor), new(client)
	sink := &recorder{outcomes: map[*dispatch.Submission][]told{}}
	own, err := New(Config{Carrier: "gamma", Source: a, Pool: bindpool.Config{Size: 1}, Log: zerolog.New(zerolog.SyncWriter(&log))}, sink)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { _ = own.Run(ctx); close(ended) }()
	pass(time.Second)
	ours, theirs := smsctest.Pipe()
	go func() {
		_, _ = smpp.Accept(ctx, theirs, smpp.Config{}, func(*pdu.Bind) (pdu.CommandStatus, smpp.Handler) {
			h, ok := a.Take()
			if !ok {
				t.Error("no bind waits")
			}
			return pdu.StatusOK, h
		})
	}()
	bind := &pdu.Bind{Header: pdu.Header{ID: pdu.BindTransceiver}, SystemID: []byte("gamma")}
	s, err := smpp.Bind(ctx, ours, bind, smpp.Config{Window: 100}, c)
	if err != nil {
		t.Fatal(err)
	}
	f(s)
	pass(2 * time.Second)
	s.Close()
	<-s.Done()
	cancel()
	<-ended
	return c.answers, log.String()
}

// Requests that nobody does are answered by their own responses, and logged: at
// most a line a second, with how many it stands for.
func TestRequestsOfACarrierThatBindsToUs(t *testing.T) {
	requests := map[pdu.CommandID]pdu.PDU{
		pdu.CommandSubmitSM:  &pdu.SubmitSM{Destination: pdu.Address{Addr: []byte("1")}},
		pdu.CommandQuerySM:   &pdu.QuerySM{MessageID: []byte("k")},
		pdu.CommandCancelSM:  &pdu.CancelSM{MessageID: []byte("k")},
		pdu.CommandReplaceSM: &pdu.ReplaceSM{MessageID: []byte("k")},
	}
	for id, p := range requests {
		t.Run(id.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answers, log := visited(t, func(s *smpp.Session) {
					for range 20 {
						if err := s.Submit(p, 1); err != nil {
							t.Fatal(err)
						}
					}
					pass(2 * time.Second)
					if err := s.Submit(p, 1); err != nil {
						t.Fatal(err)
					}
				})
				if len(answers) != 21 || slices.ContainsFunc(answers, func(h pdu.Header) bool {
					return h.ID != id.Response() || h.Status != pdu.StatusInvCmdID
				}) {
					t.Errorf("answered %+v", answers)
				}
				if lines := notes(t, log); len(lines) != 2 || lines[0].Command != id.String() || lines[0].More != 0 || lines[1].More != 19 {
					t.Errorf("logged %+v of %s", lines, log)
				}
			})
		})
	}
}

type noted struct {
	Message, Command, Carrier string
	More                      int
}

// notes are the lines of a log that note a PDU.
func notes(t *testing.T, log string) (all []noted) {
	t.Helper()
	for line := range strings.Lines(log) {
		var n noted
		if err := json.Unmarshal([]byte(line), &n); err != nil {
			t.Fatal(err)
		}
		if n.Command != "" {
			all = append(all, n)
		}
	}
	return all
}

// What a dialled carrier sends and should not is logged too.
func TestOdditiesAreLogged(t *testing.T) {
	for _, tt := range []struct {
		what, command string
		p             pdu.PDU
	}{
		{"an alert", "alert_notification", &pdu.AlertNotification{Header: pdu.Header{Sequence: 7}, Source: pdu.Address{Addr: []byte("a")}, ESME: pdu.Address{Addr: []byte("b")}}},
		{"a response to nothing", "submit_sm_resp", &pdu.SubmitSMResp{Header: pdu.Header{Sequence: 99}, MessageID: []byte("1")}},
		{"a query of the wrong side", "query_sm", &pdu.QuerySM{Header: pdu.Header{Sequence: 8}, MessageID: []byte("k")}},
		{"a vendor's own", "command 0x00010203", &pdu.Unknown{Header: pdu.Header{ID: 0x10203, Sequence: 9}}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			var log bytes.Buffer
			bubble(t, setup{cfg: Config{Log: zerolog.New(zerolog.SyncWriter(&log))}}, func(r *rig) {
				if err := r.conn().Send(tt.p); err != nil {
					t.Fatal(err)
				}
				pass(time.Second)
				if got := r.send(text("x")); len(got) != 1 || got[0].Class != dispatch.ClassOK {
					t.Errorf("the session does not go on: %+v", got)
				}
			})
			if lines := notes(t, log.String()); len(lines) != 1 || lines[0].Carrier != "alpha" || lines[0].Command != tt.command {
				t.Errorf("logged %s", log.String())
			}
		})
	}
}
