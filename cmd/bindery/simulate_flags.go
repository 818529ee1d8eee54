package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"

	"github.com/spf13/pflag"
)

func (sim *simulation) flags(f *pflag.FlagSet) {
	f.StringVar(&sim.listen, "listen", sim.listen, "address to listen on; port 0 takes a free one")
	f.StringVar(&sim.cert, "tls-cert", "", "certificate file: listens with TLS")
	f.StringVar(&sim.key, "tls-key", "", "key file of --tls-cert")
	f.DurationVar(&sim.duration, "duration", 0, "ends after this; 0: at Ctrl-C")
	f.BoolVar(&sim.quiet, "quiet", false, "prints no counts")
	f.BoolVar(&sim.json, "json", false, "prints the totals as JSON on stdout at the end")
	f.StringVar(&sim.record, "record", "", "file that gets the destination of each message let through, a line each, at the end")
	f.Uint64Var(&sim.smsc.Seed, "seed", 0, "of all that is random; 0: another each time")
	sim.bindFlags(f)
	sim.answerFlags(f)
	sim.receiptFlags(f)
	sim.linkFlags(f)
}

func (sim *simulation) bindFlags(f *pflag.FlagSet) {
	o := &sim.smsc
	f.StringVar(&o.SystemID, "system-id", "", "whom it lets bind; empty: anyone")
	f.StringVar(&o.Password, "password", "", "that goes with --system-id")
	f.StringVar(&o.Name, "name", o.Name, "its own system_id")
	f.IntVar(&o.MaxBinds, "max-binds", 0, "bound at once; 0: no limit")
	o.BindLimitStatus = pdu.StatusAlyBnd
	f.Var((*statusFlag)(&o.BindLimitStatus), "max-binds-status", "what a bind beyond --max-binds gets")
	f.Var((*spanFlag)(&o.BindDelay), "bind-delay", "until a bind is answered")
}

func (sim *simulation) answerFlags(f *pflag.FlagSet) {
	o := &sim.smsc
	f.Var((*spanFlag)(&o.Answers.Latency), "latency", "until a submit_sm is answered")
	f.Var((*statusShares)(&o.Answers.Errors), "errors", "shares of submits by status, as in 0x14=0.01,0x0B=0.02")
	f.Float64Var(&o.Answers.Drop, "drop", 0, "share taken and never answered")
	f.Float64Var(&o.Answers.Lose, "lose", 0, "share neither taken nor answered")
	f.Float64Var(&o.Answers.Double, "double", 0, "share answered twice")
	f.IntVar(&o.Answers.Reorder, "reorder", 0, "answers kept back to go in random order")
	f.Float64Var(&o.Throttle.Rate, "rate", 0, "submits a second; what is over is throttled; 0: no limit")
	f.Float64Var(&o.Throttle.Burst, "burst", 0, "submits at once on top of --rate (default a tenth of it)")
	f.BoolVar(&o.Throttle.PerBind, "rate-per-bind", false, "each bind has its own --rate")
	o.Throttle.Status = pdu.StatusThrottled
	f.Var((*statusFlag)(&o.Throttle.Status), "throttle-status", "what is over --rate gets")
	f.IntVar(&o.Window.Max, "window", 0, "unanswered submits a bind may have; more are counted as violations; 0: no limit")
	f.Var((*statusFlag)(&o.Window.Status), "window-status", "what is over --window gets; 0x00: taken all the same")
	oneOf(f, &o.IDs.Response, "ids", idForms, "form of message_id in the response")
	oneOf(f, &o.IDs.Receipt, "receipt-ids", idForms, "form of the same id in receipts")
	oneOf(f, &o.IDs.Source, "id-source", map[string]smsctest.IDSource{
		"random": smsctest.Random64, "counter": smsctest.Counter, "reused": smsctest.Reused}, "where ids come from")
	f.Uint64Var(&o.IDs.First, "id-first", 1, "the first id of counter and reused")
	f.Uint64Var(&o.IDs.Modulus, "id-modulus", 1000, "ids until reused ones come again")
	f.IntVar(&o.IDs.Width, "id-width", 0, "digits of padded ids (default 20, in hex 16)")
}

func (sim *simulation) receiptFlags(f *pflag.FlagSet) {
	r := &sim.smsc.Receipts
	oneOf(f, &r.When, "receipts", map[string]smsctest.Timing{"none": smsctest.None, "before": smsctest.Before,
		"with": smsctest.With, "after": smsctest.After}, "when a receipt goes, seen from the response")
	f.Var((*spanFlag)(&r.Delay), "receipt-delay", "between response and receipt")
	f.BoolVar(&r.Unasked, "receipts-unasked", false, "sends them whatever registered_delivery says")
	f.Float64Var(&r.Lose, "receipts-lose", 0, "share of messages without a receipt")
	f.Var((*stateShares)(&r.States), "states", "shares of final states other than delivered, as in undelivered=0.05,expired=0.01")
	f.Var((*stateList)(&r.Intermediate), "intermediate", "states told before the final one, as in enroute,accepted")
	f.IntVar(&r.Repeat, "receipt-repeat", 0, "times that a final receipt is told again")
	f.Var((*spanFlag)(&r.Spacing), "receipt-spacing", "between the receipts of one message")
	oneOf(f, &r.Bind, "receipt-bind", map[string]smsctest.BindChoice{"same": smsctest.SameBind, "any": smsctest.AnyBind,
		"round-robin": smsctest.RoundRobin, "other": smsctest.OtherBind}, "the bind that gets it")
	oneOf(f, &r.Form, "receipt-form", map[string]smsctest.ReceiptForm{"text": smsctest.TextForm, "tlv": smsctest.TLVForm,
		"tlv-only": smsctest.TLVOnlyForm, "payload": smsctest.PayloadForm, "data-sm": smsctest.DataSMForm}, "how it is written")
	f.BoolVar(&r.Echo, "echo-reference", false, "receipts repeat user_message_reference")
	f.IntVar(&r.Window, "receipt-window", 500, "unanswered deliver_sm a bind; negative: no limit")
	r.Retry = smsctest.Fixed(time.Second)
	f.Var((*spanFlag)(&r.Retry), "receipt-retry", "until a receipt that was refused goes again")
	f.DurationVar(&r.Timeout, "receipt-timeout", 0, "until one that was not answered goes again; 0: when the bind closes")
}

func (sim *simulation) linkFlags(f *pflag.FlagSet) {
	l := &sim.smsc.Link
	f.DurationVar(&l.EnquireLink, "enquire-link", 0, "between enquire_links of its own; 0: none")
	f.IntVar(&l.EnquireMisses, "enquire-misses", 0, "unanswered ones until it closes; 0: never")
	f.BoolVar(&l.Mute, "mute", false, "answers no enquire_link")
	f.IntVar(&l.UnbindAfter, "unbind-after", 0, "submits of a bind until it unbinds; 0: never")
	f.IntVar(&l.CutAfter, "cut-after", 0, "submits of a bind until it closes without an answer; 0: never")
	f.IntVar(&l.StallAfter, "stall-after", 0, "submits of a bind until it stops reading; 0: never")
	f.IntVar(&l.JunkEvery, "junk-every", 0, "submits between PDUs that nobody asked for; 0: none")
	f.IntVar(&l.ReadRate, "read-rate", 0, "octets read a second, each connection; 0: all that comes")
	f.BoolVar(&l.Reset, "reset", false, "closes by RST")
	f.IntVar(&l.Faults.Chunk, "chunk", 0, "largest read and write, octets; 0: any")
	f.Int64Var(&l.Faults.WriteCut, "cut-after-octets", 0, "octets written until a connection closes, PDU whole or not; 0: never")
}

// check finds what single flags cannot: shares out of range, windows below 0.
func (sim *simulation) check() error {
	o := &sim.smsc
	for name, share := range map[string]float64{"drop": o.Answers.Drop, "lose": o.Answers.Lose, "double": o.Answers.Double, "receipts-lose": o.Receipts.Lose} {
		if !(share >= 0 && share <= 1) {
			return fmt.Errorf("--%s: %v is no share of 0..1", name, share)
		}
	}
	for name, n := range map[string]int{"max-binds": o.MaxBinds, "window": o.Window.Max, "reorder": o.Answers.Reorder, "receipt-repeat": o.Receipts.Repeat,
		"cut-after": o.Link.CutAfter, "unbind-after": o.Link.UnbindAfter, "stall-after": o.Link.StallAfter, "junk-every": o.Link.JunkEvery, "read-rate": o.Link.ReadRate, "chunk": o.Link.Faults.Chunk} {
		if n < 0 {
			return fmt.Errorf("--%s: %d is below 0", name, n)
		}
	}
	if !(o.Throttle.Rate >= 0) || !(o.Throttle.Burst >= 0) {
		return fmt.Errorf("--rate, --burst: %v, %v: below 0", o.Throttle.Rate, o.Throttle.Burst)
	}
	if len(o.Name) > 15 {
		return fmt.Errorf("--name: %q has more than the 15 octets of a system_id", o.Name)
	}
	return nil
}

var idForms = map[string]smsctest.IDForm{
	"hex": smsctest.Hex, "hex-upper": smsctest.HexUpper, "hex-padded": smsctest.HexPadded, "hex-upper-padded": smsctest.HexUpperPad,
	"decimal": smsctest.Decimal, "padded": smsctest.Padded, "uuid": smsctest.UUID,
}

var stateNames = map[string]uint8{
	"enroute": pdu.MessageStateEnroute, "delivered": pdu.MessageStateDelivered, "expired": pdu.MessageStateExpired,
	"deleted": pdu.MessageStateDeleted, "undelivered": pdu.MessageStateUndeliverable, "accepted": pdu.MessageStateAccepted,
	"unknown": pdu.MessageStateUnknown, "rejected": pdu.MessageStateRejected,
}

// choice is a flag that takes one of some words.
type choice[T comparable] struct {
	value *T
	words map[string]T
}

func oneOf[T comparable](f *pflag.FlagSet, value *T, name string, words map[string]T, usage string) {
	list := slices.Sorted(maps.Keys(words))
	f.Var(&choice[T]{value, words}, name, usage+": "+strings.Join(list, ", "))
}

func (c *choice[T]) Type() string { return "word" }
func (c *choice[T]) Set(s string) error {
	v, ok := c.words[s]
	if !ok {
		return fmt.Errorf("%q is none of %s", s, strings.Join(slices.Sorted(maps.Keys(c.words)), ", "))
	}
	*c.value = v
	return nil
}

func (c *choice[T]) String() string {
	if c.value != nil {
		for word, v := range c.words {
			if v == *c.value {
				return word
			}
		}
	}
	return ""
}

type statusFlag pdu.CommandStatus

func (s *statusFlag) Type() string   { return "status" }
func (s *statusFlag) String() string { return fmt.Sprintf("0x%02X", uint32(*s)) }
func (s *statusFlag) Set(text string) error {
	n, err := strconv.ParseUint(text, 0, 32)
	if err != nil {
		return fmt.Errorf("%q is no command_status", text)
	}
	*s = statusFlag(n)
	return nil
}

// spanFlag reads "20ms" and "20ms..80ms".
type spanFlag smsctest.Span

func (s *spanFlag) Type() string { return "duration" }
func (s *spanFlag) String() string {
	if s.Max > s.Min {
		return s.Min.String() + ".." + s.Max.String()
	}
	return s.Min.String()
}

func (s *spanFlag) Set(text string) error {
	low, high, ranged := strings.Cut(text, "..")
	if !ranged {
		high = low
	}
	from, err := time.ParseDuration(low)
	if err != nil {
		return err
	}
	to, err := time.ParseDuration(high)
	if err != nil {
		return err
	}
	if from < 0 || to < from {
		return fmt.Errorf("%q runs backwards", text)
	}
	*s = spanFlag{Min: from, Max: to}
	return nil
}

type statusShares []smsctest.Share

func (s *statusShares) Type() string { return "shares" }
func (s *statusShares) String() string {
	list := make([]string, 0, len(*s))
	for _, e := range *s {
		list = append(list, fmt.Sprintf("0x%02X=%g", uint32(e.Status), e.Share))
	}
	return strings.Join(list, ",")
}

func (s *statusShares) Set(text string) error {
	return eachShare(text, func(name string, share float64) error {
		var status statusFlag
		if err := status.Set(name); err != nil {
			return err
		}
		*s = append(*s, smsctest.Share{Status: pdu.CommandStatus(status), Share: share})
		return nil
	})
}

type stateShares []smsctest.StateShare

func (s *stateShares) Type() string { return "shares" }
func (s *stateShares) String() string {
	list := make([]string, 0, len(*s))
	for _, e := range *s {
		list = append(list, fmt.Sprintf("%s=%g", strings.ToLower(smsctest.StateText(e.State)), e.Share))
	}
	return strings.Join(list, ",")
}

func (s *stateShares) Set(text string) error {
	return eachShare(text, func(name string, share float64) error {
		state, ok := stateNames[name]
		if !ok {
			return fmt.Errorf("%q is none of %s", name, strings.Join(slices.Sorted(maps.Keys(stateNames)), ", "))
		}
		*s = append(*s, smsctest.StateShare{State: state, Share: share})
		return nil
	})
}

type stateList []uint8

func (s *stateList) Type() string   { return "states" }
func (s *stateList) String() string { return "" }
func (s *stateList) Set(text string) error {
	for name := range strings.SplitSeq(text, ",") {
		state, ok := stateNames[name]
		if !ok {
			return fmt.Errorf("%q is none of %s", name, strings.Join(slices.Sorted(maps.Keys(stateNames)), ", "))
		}
		*s = append(*s, state)
	}
	return nil
}

// eachShare reads "name=0.1,name=0.2" and sees that no more than all is given
// away.
func eachShare(text string, do func(name string, share float64) error) error {
	sum := 0.0
	for part := range strings.SplitSeq(text, ",") {
		name, number, _ := strings.Cut(part, "=")
		share, err := strconv.ParseFloat(number, 64)
		if err != nil || !(share >= 0 && share <= 1) {
			return fmt.Errorf("%q: not NAME=SHARE with a share of 0..1", part)
		}
		if sum += share; sum > 1.000001 {
			return fmt.Errorf("%q: the shares are more than 1", text)
		}
		if err := do(name, share); err != nil {
			return err
		}
	}
	return nil
}
