package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"bindery/cmd/bindery/internal/client"
	"bindery/smpp/smsctest"

	"github.com/spf13/pflag"
)

// faults collects what is wrong with flags, so that one run tells all of it.
type faults []string

func (f *faults) add(flag, format string, args ...any) {
	*f = append(*f, "--"+flag+": "+fmt.Sprintf(format, args...))
}

func (f *faults) share(flag string, share float64) {
	if !(share >= 0 && share <= 1) { // NaN too
		f.add(flag, "%v is no share of 0..1", share)
	}
}

func (f *faults) positive(flag string, n float64) {
	if !(n >= 0) || math.IsInf(n, 1) {
		f.add(flag, "%v is no number of 0 or more", n)
	}
}

func least[T int | int64 | uint64 | time.Duration](f *faults, flag string, n, least T) {
	if n < least {
		f.add(flag, "%v is below %v", n, least)
	}
}

func (f *faults) octets(flag, value string, most int) {
	if len(value) > most {
		f.add(flag, "%d octets; SMPP allows %d", len(value), most)
	}
}

// check finds what single flags cannot, and flags that would change nothing.
func (sim *simulation) check(set *pflag.FlagSet) error {
	var f faults
	sim.checkBinds(&f)
	sim.checkAnswers(&f)
	sim.checkReceipts(&f)
	sim.checkLink(&f)
	sim.checkNeeds(&f, set)
	if len(f) == 0 {
		return nil
	}
	p := client.Usage("bindery simulate --help", "%s", f[0])
	p.Fields = f[1:]
	return p
}

func (sim *simulation) checkBinds(f *faults) {
	o := &sim.smsc
	f.octets("system-id", o.SystemID, 15)
	f.octets("password", o.Password, 8)
	f.octets("name", o.Name, 15)
	least(f, "max-binds", o.MaxBinds, 0)
	least(f, "duration", sim.duration, 0)
	if o.BindLimitStatus == 0 {
		f.add("max-binds-status", "0x00 refuses nobody")
	}
}

func (sim *simulation) checkAnswers(f *faults) {
	o := &sim.smsc
	for _, s := range o.Answers.Errors {
		if s.Status == 0 {
			f.add("errors", "0x00 is no error")
		}
	}
	f.share("drop", o.Answers.Drop)
	f.share("lose", o.Answers.Lose)
	f.share("double", o.Answers.Double)
	least(f, "reorder", o.Answers.Reorder, 0)
	least(f, "reorder-wait", o.Answers.ReorderWait, time.Millisecond)
	f.positive("rate", o.Throttle.Rate)
	f.positive("burst", o.Throttle.Burst)
	if o.Throttle.Status == 0 {
		f.add("throttle-status", "0x00 throttles nobody")
	}
	least(f, "window", o.Window.Max, 0)
	least(f, "id-first", o.IDs.First, 1)
	least(f, "id-modulus", o.IDs.Modulus, 1)
	if n := o.IDs.Width; n < 0 || n > 64 {
		f.add("id-width", "%d is not within 0..64", n)
	}
}

func (sim *simulation) checkReceipts(f *faults) {
	r := &sim.smsc.Receipts
	f.share("receipts-lose", r.Lose)
	least(f, "receipt-repeat", r.Repeat, 0)
	if r.Window == 0 {
		f.add("receipt-window", "0 lets no receipt out; a negative number is no limit")
	}
	least(f, "receipt-retry", r.Retry.Min, time.Millisecond)
	least(f, "receipt-timeout", r.Timeout, 0)
}

func (sim *simulation) checkLink(f *faults) {
	l := &sim.smsc.Link
	least(f, "enquire-link", l.EnquireLink, 0)
	for _, c := range []struct {
		flag string
		n    int
	}{
		{"enquire-misses", l.EnquireMisses}, {"unbind-after", l.UnbindAfter}, {"cut-after", l.CutAfter}, {"stall-after", l.StallAfter},
		{"junk-every", l.JunkEvery}, {"read-rate", l.ReadRate}, {"chunk", l.Faults.Chunk},
	} {
		least(f, c.flag, c.n, 0)
	}
	if n := l.FirstSequence; n < 1 || n > 0x7FFFFFFF {
		f.add("first-sequence", "%d is not within 1..%d", n, 0x7FFFFFFF)
	}
	least(f, "read-latency", l.Faults.ReadLatency, 0)
	least(f, "write-latency", l.Faults.WriteLatency, 0)
	for _, c := range []struct {
		flag string
		n    int64
	}{
		{"cut-after-octets", l.Faults.WriteCut}, {"cut-after-octets-read", l.Faults.ReadCut}, {"stall-after-octets", l.Faults.WriteStall},
		{"stall-after-octets-read", l.Faults.ReadStall}, {"garbage-after", l.Faults.GarbageAfter}, {"flip-every", l.Faults.FlipEvery},
	} {
		least(f, c.flag, c.n, 0)
	}
}

// checkNeeds finds flags that would change nothing because of another.
func (sim *simulation) checkNeeds(f *faults, set *pflag.FlagSet) {
	o := &sim.smsc
	needs := func(ok bool, what string, flags ...string) {
		for _, flag := range flags {
			if !ok && set.Changed(flag) {
				f.add(flag, "changes nothing without %s", what)
			}
		}
	}
	needs(o.SystemID != "", "--system-id", "password")
	needs(sim.key != "", "--tls-key", "tls-cert")
	needs(sim.cert != "", "--tls-cert", "tls-key")
	needs(o.MaxBinds > 0, "--max-binds", "max-binds-status")
	needs(o.Answers.Reorder > 1, "--reorder 2 or more", "reorder-wait")
	needs(o.Throttle.Rate > 0, "--rate", "burst", "rate-per-bind", "throttle-status")
	needs(o.Window.Max > 0, "--window", "window-status")
	needs(o.IDs.Source != smsctest.Random64, "--id-source counter or reused", "id-first")
	needs(o.IDs.Source == smsctest.Reused, "--id-source reused", "id-modulus")
	needs(padded(o.IDs.Response) || padded(o.IDs.Receipt), "a padded form in --ids or --receipt-ids", "id-width")
	needs(o.Link.EnquireLink > 0, "--enquire-link", "enquire-misses")
	needs(len(o.Link.Faults.Garbage) > 0, "--garbage", "garbage-after")
	r := &o.Receipts
	set.VisitAll(func(flag *pflag.Flag) {
		if strings.HasPrefix(flag.Name, "receipt-") || flag.Name == "receipts-unasked" || flag.Name == "receipts-lose" || flag.Name == "states" ||
			flag.Name == "intermediate" || flag.Name == "echo-reference" {
			needs(r.When != smsctest.None, "receipts", flag.Name)
		}
	})
	needs(r.When == smsctest.None || r.When != smsctest.With, "--receipts before or after", "receipt-delay")
	needs(r.When == smsctest.None || len(r.Intermediate) > 0 || r.Repeat > 0, "--intermediate or --receipt-repeat", "receipt-spacing")
	needs(r.Format == nil || r.Form != smsctest.TLVOnlyForm, "a --receipt-form with a text", "receipt-text")
}

func padded(form smsctest.IDForm) bool {
	return form == smsctest.HexPadded || form == smsctest.HexUpperPad || form == smsctest.Padded
}
