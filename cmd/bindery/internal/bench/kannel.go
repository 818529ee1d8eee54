package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"bindery/cmd/bindery/internal/bench/child"
	"bindery/cmd/bindery/internal/bench/ledger"
	"bindery/cmd/bindery/internal/bench/wire"
)

// kannel is bearerbox, smsbox and a carrier.
type kannel struct {
	variant                 Variant
	bearerboxFile           string // programs
	smsboxFile              string
	dir                     string
	bearerbox, smsbox, smsc *child.Child
	admin, boxes, sendsms   string // addresses of its ports
	password                string
	calls                   *callbacks
	record                  string
	closed                  bool
}

// kannelPrograms finds both boxes; /usr/sbin is not in everyone's PATH.
func kannelPrograms() (bearerbox, smsbox string, err error) {
	find := func(name string) string {
		for _, file := range []string{name, "/usr/sbin/" + name, "/usr/local/sbin/" + name} {
			if path, err := exec.LookPath(file); err == nil {
				return path
			}
		}
		return ""
	}
	bearerbox, smsbox = find("bearerbox"), find("smsbox")
	if bearerbox == "" || smsbox == "" {
		return "", "", errors.New("--vs-kannel: bearerbox and smsbox are not installed: Debian has both in the package kannel (./scripts/test installs it)")
	}
	return bearerbox, smsbox, nil
}

func measureKannel(ctx context.Context, o *Options, k *kannel, after time.Duration, rate float64, progress io.Writer) (x *Result, err error) {
	defer func() { err = errors.Join(err, k.stop()) }()
	if err := k.start(ctx, o.Self, after); err != nil {
		return nil, err
	}
	messages, connections := o.Messages, kannelConnections
	if o.KannelMessages > 0 {
		messages = o.KannelMessages
	}
	if !k.variant.Tuned() {
		messages = min(messages, untunedMessages)
	}
	if o.Connections > 0 {
		connections = o.Connections
	}
	r := newRun(k, ledger.New(messages+warmMessages, 1), messages, connections, rate, progress)
	if err := r.all(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("kannel: %w", child.Explain(err, k.bearerbox, k.smsbox, k.smsc))
	}
	k.closed = true
	if err := k.smsc.Stop(syscall.SIGINT, stopBound); err != nil {
		return nil, err
	}
	if err := readRecord(r.l, k.record); err != nil {
		return nil, err
	}
	if x, err = r.result(messages + warmMessages); err != nil {
		return nil, err
	}
	x.Form, x.Kannel, x.Binds, x.Window = Single, k.variant, k.variant.binds(), k.variant.window()
	x.Notes, err = k.remarks(&x.Books)
	switch {
	case !k.variant.Tuned() && rate == Full && x.Busy < 0.5: // else it did not
		x.Notes = append(x.Notes, waits)
	case after == 0:
		x.Notes = append(x.Notes, noDelay)
	}
	return x, err
}

// Seen on the wire, at any rate. It costs a tuned Kannel latency, not CPU; one
// as it comes stands still meanwhile, because it may have only 10 unanswered.
// Whoever reads its figures is told what else we found: 10,000 messages, file
// store, 6,000/s with either of what waits names.
const (
	noDelay = "Kannel leaves Nagle's algorithm on: behind a deliver_sm_resp its next submit_sm waits for the carrier's delayed ACK, about 40 ms"
	waits   = "Kannel as it comes waits more than it works: it leaves Nagle's algorithm on, so behind a deliver_sm_resp its next submit_sm, 10 at most, wait for the carrier's delayed ACK, about 40 ms; max-pending-submits = 500 alone, or a transmitter and a receiver instead of a transceiver, gave it the speed of the tuned ones"
)

func (k *kannel) start(ctx context.Context, self string, after time.Duration) (err error) {
	if k.dir, err = os.MkdirTemp("", "bindery-bench-"); err != nil {
		return err
	}
	k.password, k.record = rand.Text(), filepath.Join(k.dir, "record")
	var carrier string
	for _, a := range []*string{&k.admin, &k.boxes, &k.sendsms} {
		if *a, err = child.FreeAddress(); err != nil {
			return err
		}
	}
	if k.calls, err = listenForCalls(); err != nil {
		return err
	}
	if k.smsc, carrier, err = startCarrier(ctx, k.dir, self, anyPort, after, k.record); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(carrier)
	if err != nil {
		return err
	}
	file, err := k.configure(host, port)
	if err != nil {
		return err
	}
	const errorsOnly = "3"
	if k.bearerbox, err = child.Start(k.dir, "bearerbox", k.bearerboxFile, "-v", errorsOnly, file); err != nil {
		return err
	}
	if err := k.ready(ctx); err != nil {
		return err
	}
	if k.smsbox, err = child.Start(k.dir, "smsbox", k.smsboxFile, "-v", errorsOnly, file); err != nil {
		return err
	}
	// A message that smsbox gets before it is connected ends it, so its own port
	// does not tell.
	return k.smsbox.Until(ctx, "connecting to bearerbox", startBound, func() bool {
		return bytes.Contains(k.status(ctx), []byte("smsbox:")) && reachable(k.sendsms)
	})
}

// ready waits until every bind is up.
func (k *kannel) ready(ctx context.Context) error {
	return k.bearerbox.Until(ctx, "binding", startBound, func() bool {
		return bytes.Count(k.status(ctx), []byte("(online ")) >= k.variant.binds()
	})
}

// status is bearerbox's status page, nil: not yet.
func (k *kannel) status(ctx context.Context) []byte {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+k.admin+"/status.txt?password="+k.password, nil)
	if err != nil {
		return nil
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil
	}
	return page
}

// send asks sendsms for a message a request over one connection that stays.
func (k *kannel) send(ctx context.Context, p *ledger.Pace, _, _ int) error {
	c, err := wire.Dial(ctx, k.sendsms)
	if err != nil {
		return err
	}
	defer c.Close()
	var request []byte
	for {
		n, count := p.Take(1)
		if count == 0 {
			return nil
		}
		p.Wait(ctx, n)
		request = k.appendRequest(request[:0], p.Ledger, n)
		status, answer, err := c.Ask(request)
		if err != nil {
			return fmt.Errorf("sending: %w", err)
		}
		// 202 is "accepted", and "queued for later", which is never heard of again.
		if status == http.StatusAccepted && bytes.HasPrefix(answer, []byte("0: ")) {
			p.Accept(n, kannelID)
		} else {
			p.Refuse(answer)
		}
	}
}

// appendRequest asks for the callback of a final receipt, with the message's
// destination and what the receipt said in its path.
func (k *kannel) appendRequest(dst []byte, l *ledger.Ledger, n int) []byte {
	// delivered, not delivered, refused by the carrier: a final each
	const mask = "19"
	dst = l.AppendNumber(append(dst, "GET /cgi-bin/sendsms?username="+account+"&from=1544&dlr-mask="+mask+"&password="+k.password+"&to="...), n)
	dst = append(l.AppendNumber(append(dst, "&dlr-url=http%3A%2F%2F"+k.calls.address+"%2F"...), n), "%2F%25d&text="...)
	dst = append(ledger.AppendDigits(append(dst, urlHead...), n), urlTail...)
	return append(dst, " HTTP/1.1\r\nHost: "+k.sendsms+"\r\n\r\n"...)
}

func (k *kannel) follow(ctx context.Context, l *ledger.Ledger) error { return k.calls.serve(ctx, l) }

func (k *kannel) sample(context.Context) (sample, error) {
	return sampleOf(map[string]*child.Child{"bearerbox": k.bearerbox, "smsbox": k.smsbox, "smsc": k.smsc}), nil
}

// remarks say whose fault a lost message may be, when it may be ours.
func (k *kannel) remarks(b *Books) (notes []string, err error) {
	if b.Lost == 0 {
		return nil, nil
	}
	t, err := readTotals(filepath.Join(k.dir, carrierName+".log"))
	if err != nil {
		return nil, err
	}
	notes = append(notes, fmt.Sprintf("%d of %d lost messages never came to the carrier", b.Unsent, b.Lost))
	if t.Acked < t.Receipts {
		notes = append(notes, fmt.Sprintf("Kannel left %d receipts unanswered", t.Receipts-t.Acked))
	}
	if n := k.calls.broken.Load(); n > 0 {
		notes = append(notes, fmt.Sprintf("%d callbacks broke on their way into the load: so many of the lost may be the load's fault", n))
	}
	return notes, nil
}

// stop ends what runs, at once, and leaves nothing.
func (k *kannel) stop() error {
	var err error
	if k.calls != nil {
		err = k.calls.close()
	}
	boxes := []*child.Child{k.smsbox, k.bearerbox}
	if !k.closed {
		boxes = append(boxes, k.smsc)
	}
	for _, c := range boxes {
		if e := c.Stop(syscall.SIGKILL, killBound); k.closed { // else the run's failure says more
			err = errors.Join(err, e)
		}
	}
	if k.dir != "" {
		err = errors.Join(err, os.RemoveAll(k.dir))
	}
	return err
}
