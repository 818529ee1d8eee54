package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"

	"github.com/spf13/cobra"
)

func TestSimulateTakesAMessage(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, in := io.Pipe()
	counts := &strings.Builder{}
	cmd := newSimulateCommand()
	cmd.SetArgs([]string{"--listen", "127.0.0.1:0", "--ids", "decimal", "--id-source", "counter", "--id-first", "41",
		"--receipts", "with", "--receipt-ids", "padded", "--id-width", "5", "--system-id", "me", "--password", "pw", "--json"})
	cmd.SetOut(in)
	cmd.SetErr(counts)
	cmd.SilenceErrors = true
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.ExecuteContext(ctx)
		in.Close()
	}()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatalf("it never listened: %v", <-ended)
	}
	addr, ok := strings.CutPrefix(lines.Text(), "listening on ")
	if !ok {
		t.Fatalf("first line %q", lines.Text())
	}
	if got := submitTo(t, addr); got != "41 id:00041" {
		t.Errorf("response and receipt: %q", got)
	}
	cancel()
	if !lines.Scan() {
		t.Fatal("no summary")
	}
	var sum struct{ Submits, Taken, Receipts, Acked, Binds int }
	if err := json.Unmarshal(lines.Bytes(), &sum); err != nil {
		t.Fatal(err)
	}
	if sum.Submits != 1 || sum.Taken != 1 || sum.Receipts != 1 || sum.Binds != 1 {
		t.Errorf("%s", lines.Bytes())
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !regexp.MustCompile(`(?m)^  submits +1  \(most in a second: 1;`).MatchString(counts.String()) {
		t.Errorf("counts %q", counts)
	}
}

// submitTo binds, submits once, and answers the message_id and the start of
// the receipt.
func submitTo(t *testing.T, addr string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(15 * time.Second))
	b, err := (&pdu.Bind{Header: pdu.Header{ID: pdu.BindTransceiver, Sequence: 1}, SystemID: []byte("me"), Password: []byte("pw")}).AppendTo(nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = (&pdu.SubmitSM{Header: pdu.Header{Sequence: 2}, Destination: pdu.Address{Addr: []byte("821000000001")},
		RegisteredDelivery: 1, ShortMessage: []byte("hi")}).AppendTo(b); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
	r, seen := pdu.NewReader(conn, 0), ""
	for {
		frame, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		var d pdu.Decoder
		p, err := d.Decode(frame)
		if err != nil {
			t.Fatal(err)
		}
		switch p := p.(type) {
		case *pdu.BindResp:
			if p.Status != 0 {
				t.Fatalf("bind: %s", p.Status)
			}
		case *pdu.SubmitSMResp:
			seen = string(p.MessageID)
		case *pdu.DeliverSM:
			return seen + " " + string(p.ShortMessage[:8])
		}
	}
}

func TestSimulateUnderstandsItsExamples(t *testing.T) {
	examples := newSimulateCommand().Example
	n := 0
	for line := range strings.Lines(examples) {
		args, ok := strings.CutPrefix(strings.TrimSpace(line), "bindery simulate")
		if !ok {
			continue
		}
		n++
		if _, err := parsed(strings.Fields(args)); err != nil {
			t.Errorf("%s: %v", strings.TrimSpace(line), err)
		}
	}
	if n < 5 {
		t.Errorf("%d examples", n)
	}
}

// parsed runs the flags alone.
func parsed(args []string) (*simulation, error) {
	sim := newSimulation()
	cmd := &cobra.Command{}
	sim.flags(cmd.Flags())
	if err := cmd.Flags().Parse(args); err != nil {
		return nil, err
	}
	return sim, sim.check(cmd.Flags())
}

func TestSimulateSettings(t *testing.T) {
	sim, err := parsed(strings.Fields("--errors 0x14=0.01,11=0.02 --states rejected=0.5 --latency 20ms..80ms --intermediate enroute,accepted " +
		"--receipt-bind other --receipt-form tlv --window 10 --window-status 0x58 --max-binds 1 --max-binds-status 13"))
	if err != nil {
		t.Fatal(err)
	}
	o := &sim.smsc
	if got := fmt.Sprint(o.Answers.Errors, o.Receipts.States, o.Receipts.Intermediate); got != "[{ESME_RMSGQFUL (0x14) 0.01} {ESME_RINVDSTADR (0x0B) 0.02}] [{8 0.5}] [1 6]" {
		t.Error(got)
	}
	if o.Answers.Latency != (smsctest.Span{Min: 20 * time.Millisecond, Max: 80 * time.Millisecond}) || o.Receipts.Bind != smsctest.OtherBind ||
		o.Receipts.Form != smsctest.TLVForm || o.Window.Status != pdu.StatusThrottled || o.BindLimitStatus != pdu.StatusBindFail {
		t.Errorf("%+v", o)
	}
}
