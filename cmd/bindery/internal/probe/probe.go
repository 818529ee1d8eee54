// Package probe tries a carrier's link step by step and says in plain words
// where it breaks: resolve, connect, TLS, bind, enquire_link, and on demand one
// submit_sm and its receipt. `bindery probe` calls it; it takes a carrier's
// settings as package gateway maps them, and asks nothing of Redis.
//
// Two drivers speak SMPP. native is the gateway's own session (package smpp).
// goSMPP is the second opinion: what it writes is encoded, and what comes is
// read, by github.com/fiorix/go-smpp. Only its codec is used. Its client sends
// no enquire_link in the first ten seconds, throws the bind_resp away, dials
// again on its own after a failure, and can panic on goroutines that nobody
// but itself could guard; here all of its code runs on goroutines that recover.
// Resolving, TCP and TLS are the same for both, so that what differs is SMPP.
//
// # What a probe may not take away
//
// A carrier hands receipts and messages to any bind of an account. What comes
// to the probe and is not the receipt that it waits for is answered
// ESME_RX_T_APPN, so that the carrier repeats it to the gateway.
//
// # Goroutines
//
// Run works on its caller's goroutine. Each connection has the goroutines of
// its driver: the session's two, or go-smpp's reader. They meet in an inbox
// (deliveries, a mutex) and in channels of one request each. Nothing is stored;
// a process that dies leaves a bind that the carrier ends by itself.
package probe

import (
	"context"
	"errors"
	"slices"
	"time"

	"bindery/gateway"
)

// Drivers are the names that Options.Driver takes.
var Drivers = []string{"native", "go-smpp"}

// Options are what to try.
type Options struct {
	Carrier   string
	Link      gateway.Link
	Driver    string
	Addresses []string // host:port, each is tried

	To, From, Text string        // To "": no submit_sm
	Timeout        time.Duration // of each step
	Wait           time.Duration // for the receipt; 0: it is not waited for
	Enquiries      int           // default 5

	// Began, Ended and PDU are told while the probe runs, each may be nil.
	// PDU comes from several goroutines, one call at a time.
	Began func(address string)
	Ended func(Step)
	PDU   func(Frame)
}

// Report is what was found.
type Report struct {
	Carrier   string    `json:"carrier"`
	Driver    string    `json:"driver"`
	OK        bool      `json:"ok"`
	Notes     []string  `json:"notes"`
	Addresses []Attempt `json:"addresses"`
}

// Attempt is the way to one address.
type Attempt struct {
	Address string `json:"address"`
	OK      bool   `json:"ok"`
	Steps   []Step `json:"steps"`
}

// Step is one of: resolve, connect, tls, bind, enquire_link, submit_sm, receipt,
// unbind.
type Step struct {
	Name   string         `json:"step"`
	Bind   string         `json:"bind,omitempty"` // transceiver, transmitter, receiver
	OK     bool           `json:"ok"`
	TookMS float64        `json:"took_ms"`
	Detail string         `json:"detail,omitempty"`
	Facts  map[string]any `json:"facts,omitempty"`
	Note   string         `json:"note,omitempty"` // worth knowing, no failure
	*Fault
}

// Fault is what a failed step means.
type Fault struct {
	Kind  string `json:"kind"` // one word, stable
	Means string `json:"means"`
	Next  string `json:"next"` // what to do
}

// Note is what whoever probes has to know.
const Note = "a probe's bind comes on top of those of running gateways: carriers count it, the gateways' bind slots do not"

// Run tries every address. An error is that of ctx; what failed is in the
// report.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.Enquiries == 0 {
		o.Enquiries = 5
	}
	r := Report{Carrier: o.Carrier, Driver: o.Driver, OK: true, Notes: []string{Note}}
	for _, address := range o.Addresses {
		a := &attempt{o: &o, Attempt: Attempt{Address: address, OK: true}, inbox: newInbox()}
		if o.Began != nil {
			o.Began(address)
		}
		a.run(ctx)
		r.Addresses = append(r.Addresses, a.Attempt)
		r.OK = r.OK && a.OK
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		if a.submitted {
			o.To = "" // one message is enough to know
		}
		if n := a.inbox.foreign(); n > 0 {
			r.Notes = append(r.Notes, foreignNote(n))
		}
	}
	if d := deadOnes(r.Addresses); d != "" {
		r.Notes = append(r.Notes, d)
	}
	return r, nil
}

// deadOnes says what a dead address among good ones means for the gateway.
func deadOnes(all []Attempt) string {
	bad := slices.ContainsFunc(all, func(a Attempt) bool { return !a.OK })
	good := slices.ContainsFunc(all, func(a Attempt) bool { return a.OK })
	if !bad || !good {
		return ""
	}
	return "the gateway tries the addresses in turn and keeps one that works, so it can run while another is down"
}

// attempt is the work on one address.
type attempt struct {
	Attempt
	o         *Options
	inbox     *inbox
	links     []boundLink
	submitted bool
}

type boundLink struct {
	link
	mode string
	info bindInfo
}

func (a *attempt) run(ctx context.Context) {
	defer a.closeAll()
	for i := range a.o.Link.Binds {
		if !a.open(ctx, i) {
			a.unbind()
			return
		}
	}
	for _, l := range a.links {
		if !a.enquire(ctx, l) {
			a.unbind()
			return
		}
	}
	if a.o.To != "" {
		a.send(ctx)
	}
	a.unbind()
}

// step runs f, which fills the step, and notes its outcome.
func (a *attempt) step(name, mode string, f func(*Step) error) bool {
	s := Step{Name: name, Bind: mode, OK: true}
	began := time.Now()
	err := f(&s)
	if s.TookMS == 0 {
		s.TookMS = milliseconds(time.Since(began))
	}
	if err != nil {
		s.OK, a.OK = false, false
		s.Fault = unexplained(err)
		if e := (*explained)(nil); errors.As(err, &e) {
			s.Fault = e.Fault
		}
		if s.Detail == "" {
			s.Detail = err.Error()
		}
	}
	a.Steps = append(a.Steps, s)
	if a.o.Ended != nil {
		a.o.Ended(s)
	}
	return err == nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (a *attempt) closeAll() {
	for _, l := range a.links {
		l.Close()
	}
}
