package main

import (
	"maps"
	"slices"
	"time"

	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (sim *simulation) flags(f *pflag.FlagSet) {
	f.StringVar(&sim.listen, "listen", sim.listen, "`ADDRESS` to listen on; port 0 takes a free one")
	f.StringVar(&sim.cert, "tls-cert", "", "`FILE` of the certificate: listens with TLS")
	f.StringVar(&sim.key, "tls-key", "", "`FILE` of the key of --tls-cert")
	f.DurationVar(&sim.duration, "duration", 0, "ends after this; 0: at Ctrl-C")
	f.BoolVar(&sim.quiet, "quiet", false, "prints no counts")
	f.BoolVar(&sim.json, "json", false, "prints the totals as JSON on stdout at the end")
	f.StringVar(&sim.record, "record", "", "`FILE` that gets destination and moment (Unix, ns) of each message let through, a line each, at the end")
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
	f.IntVar(&o.Answers.Reorder, "reorder", 0, "answers kept back until so many go in random order; 0: none")
	f.DurationVar(&o.Answers.ReorderWait, "reorder-wait", 20*time.Millisecond, "longest that --reorder keeps one back")
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
	f.Var(zoneFlag{&r.Zone}, "receipt-zone", "of the dates in receipts: UTC, +09:00, Asia/Seoul")
	f.Var(&receiptText{format: &r.Format, zone: &r.Zone}, "receipt-text", "text of receipts, with the places {id}, {stat}, {submitted}, {done} and {text} (default: as in SMPP 3.4 Appendix B)")
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
	f.BoolVar(&l.Reset, "reset", false, "closes and cuts by RST")
	l.FirstSequence = 1
	f.Uint32Var(&l.FirstSequence, "first-sequence", l.FirstSequence, "sequence_number of its own first request, each connection")
	sim.octetFlags(f)
}

// octetFlags are faults of the connection below SMPP, counted in octets from
// its start.
func (sim *simulation) octetFlags(f *pflag.FlagSet) {
	o := &sim.smsc.Link.Faults
	f.IntVar(&o.Chunk, "chunk", 0, "largest read and write, octets; 0: any")
	f.DurationVar(&o.ReadLatency, "read-latency", 0, "before each read is handed over")
	f.DurationVar(&o.WriteLatency, "write-latency", 0, "before each write")
	f.Int64Var(&o.WriteCut, "cut-after-octets", 0, "octets written until a connection closes, PDU whole or not; 0: never")
	f.Int64Var(&o.ReadCut, "cut-after-octets-read", 0, "octets read until a connection closes; 0: never")
	f.Int64Var(&o.WriteStall, "stall-after-octets", 0, "octets written until it writes no more, and stays open; 0: never")
	f.Int64Var(&o.ReadStall, "stall-after-octets-read", 0, "octets read until it reads no more; 0: never")
	f.Var((*octetsFlag)(&o.Garbage), "garbage", "octets that come in between what it reads, as in 00FF10")
	f.Int64Var(&o.GarbageAfter, "garbage-after", 0, "octets read until --garbage comes")
	f.Int64Var(&o.FlipEvery, "flip-every", 0, "octets read between those whose lowest bit is turned; 0: none")
}

// complete tells shells what the flags take.
func (sim *simulation) complete(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		switch {
		case f.Name == "tls-cert" || f.Name == "tls-key":
			completeFiles(cmd, f.Name, "pem", "crt", "key")
		case f.Name == "intermediate":
			completeList(cmd, f.Name, slices.Sorted(maps.Keys(stateNames))...)
		case f.Name != "record":
			complete(cmd, f.Name, choices(f)...)
		}
	})
}
