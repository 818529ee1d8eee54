package main

import (
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bindery/smpp/smsctest"
)

// habits names the flag of each habit of smsctest.Options, and a value of it
// that is not the default.
var habits = map[string]string{
	"SystemID": "--system-id me", "Password": "--password pw", "Name": "--name carrier", "MaxBinds": "--max-binds 2",
	"BindLimitStatus": "--max-binds-status 0x0D", "BindDelay": "--bind-delay 1ms..2ms", "Seed": "--seed 7",

	"IDs.Source": "--id-source counter", "IDs.First": "--id-first 7", "IDs.Modulus": "--id-modulus 12", "IDs.Width": "--id-width 12",
	"IDs.Response": "--ids decimal", "IDs.Receipt": "--receipt-ids padded",

	"Answers.Latency": "--latency 20ms", "Answers.Errors": "--errors 0x14=0.01", "Answers.Drop": "--drop 0.1", "Answers.Lose": "--lose 0.1",
	"Answers.Double": "--double 0.1", "Answers.Reorder": "--reorder 3", "Answers.ReorderWait": "--reorder-wait 50ms",

	"Receipts.When": "--receipts with", "Receipts.Delay": "--receipt-delay 1s..5s", "Receipts.Unasked": "--receipts-unasked",
	"Receipts.Lose": "--receipts-lose 0.1", "Receipts.States": "--states expired=0.1", "Receipts.Intermediate": "--intermediate enroute",
	"Receipts.Repeat": "--receipt-repeat 2", "Receipts.Spacing": "--receipt-spacing 1ms", "Receipts.Bind": "--receipt-bind other",
	"Receipts.Form": "--receipt-form tlv", "Receipts.Zone": "--receipt-zone +09:00", "Receipts.Echo": "--echo-reference",
	"Receipts.Format": "--receipt-text id:{id}", "Receipts.Window": "--receipt-window 10", "Receipts.Retry": "--receipt-retry 2s",
	"Receipts.Timeout": "--receipt-timeout 3s",

	"Throttle.Rate": "--rate 10", "Throttle.Burst": "--burst 5", "Throttle.Status": "--throttle-status 0x14", "Throttle.PerBind": "--rate-per-bind",
	"Window.Max": "--window 10", "Window.Status": "--window-status 0x58",

	"Link.EnquireLink": "--enquire-link 1s", "Link.EnquireMisses": "--enquire-misses 2", "Link.Mute": "--mute", "Link.UnbindAfter": "--unbind-after 10",
	"Link.CutAfter": "--cut-after 10", "Link.StallAfter": "--stall-after 10", "Link.JunkEvery": "--junk-every 5", "Link.ReadRate": "--read-rate 1000",
	"Link.FirstSequence": "--first-sequence 2147483600", "Link.Reset": "--reset",
	"Link.Faults.Chunk": "--chunk 7", "Link.Faults.ReadLatency": "--read-latency 1ms", "Link.Faults.WriteLatency": "--write-latency 1ms",
	"Link.Faults.ReadCut": "--cut-after-octets-read 9000", "Link.Faults.WriteCut": "--cut-after-octets 9000",
	"Link.Faults.ReadStall": "--stall-after-octets-read 9000", "Link.Faults.WriteStall": "--stall-after-octets 9000",
	"Link.Faults.Garbage": "--garbage 00FF", "Link.Faults.GarbageAfter": "--garbage-after 9000", "Link.Faults.FlipEvery": "--flip-every 9000",
}

// notByFlag says of each habit without a flag why.
var notByFlag = map[string]string{
	"Authorize":         "a function; --system-id, --password and --max-binds refuse binds",
	"Answers.Decide":    "a function; --errors gives shares, and --record is made of it",
	"Receipts.Decide":   "a function; --states gives shares",
	"Link.Faults.Reset": "--reset sets it with Link.Reset",
	"Record.Mode":       "for who asks the SMSC in its own process; --record writes a file",
	"Record.Limit":      "of Record.Mode",
}

// ownFlags are about the command, not the carrier.
var ownFlags = []string{"listen", "tls-cert", "tls-key", "duration", "quiet", "json", "record"}

// leaves calls do with each field that is a habit of its own.
func leaves(v reflect.Value, path string, do func(path string, v reflect.Value)) {
	if v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[smsctest.Span]() {
		do(path, v)
		return
	}
	for i := range v.NumField() {
		leaves(v.Field(i), strings.TrimPrefix(path+"."+v.Type().Field(i).Name, "."), do)
	}
}

// settings are the habits after some flags, as they compare.
func settings(t *testing.T, args ...string) map[string]any {
	t.Helper()
	sim := newSimulation()
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	sim.flags(set)
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	all := map[string]any{}
	leaves(reflect.ValueOf(sim.smsc), "", func(path string, v reflect.Value) {
		if v.Kind() == reflect.Func {
			all[path] = v.IsNil()
			return
		}
		all[path] = v.Interface()
	})
	return all
}

// TestEveryHabitHasAFlag: a new field of smsctest.Options has a flag that sets
// it, and nothing else, or a reason.
func TestEveryHabitHasAFlag(t *testing.T) {
	plain := settings(t)
	tried := map[string]bool{}
	for path := range plain {
		args, ok := habits[path]
		if _, reasoned := notByFlag[path]; ok == reasoned {
			t.Errorf("smsctest.Options.%s has a flag: %t, a reason for none: %t", path, ok, reasoned)
		}
		if !ok {
			continue
		}
		words := strings.Fields(args)
		tried[strings.TrimPrefix(words[0], "--")] = true
		for other, value := range settings(t, words...) {
			if changed := !reflect.DeepEqual(value, plain[other]); changed != (other == path) {
				t.Errorf("%s changes %s: %t", args, other, changed)
			}
		}
	}
	for path := range habits {
		if _, there := plain[path]; !there {
			t.Errorf("smsctest.Options has no %s", path)
		}
	}
	newSimulateCommand().Flags().VisitAll(func(f *pflag.Flag) {
		if !tried[f.Name] && !slices.Contains(ownFlags, f.Name) {
			t.Errorf("--%s sets no habit", f.Name)
		}
	})
}

// TestEveryRangeNamesItsFlag gives each flag that takes a value one that is
// none.
func TestEveryRangeNamesItsFlag(t *testing.T) {
	values := map[string][]string{
		"int": {"-2", "x"}, "int64": {"-1", "x"}, "uint32": {"0", "-1", "x"}, "uint64": {"-1", "x"}, "float64": {"-0.1", "NaN", "+Inf", "x"},
		"duration": {"-1s", "5", "x"}, "word": {"x", ""}, "status": {"x", "-1", "0x1FFFFFFFF"}, "shares": {"x", "x=0.1", "0x14=2", "delivered=0.6,expired=0.6", "0x14=0.6,0x0B=0.6"},
		"states": {"x", ""}, "zone": {"Mars", ""}, "hex": {"0", "xx"}, "text": {"{ID}", "}"},
	}
	newSimulateCommand().Flags().VisitAll(func(f *pflag.Flag) {
		bad := values[f.Value.Type()]
		if len(bad) == 0 && f.Value.Type() != "bool" && f.Value.Type() != "string" {
			t.Errorf("--%s: nothing is wrong of type %s", f.Name, f.Value.Type())
		}
		for _, value := range bad {
			if f.Name == "receipt-window" && value == "-2" {
				value = "0" // a negative one is no limit
			}
			if err := simulateError(t, "--"+f.Name+"="+value); err == nil || !strings.Contains(err.Error(), "--"+f.Name) {
				t.Errorf("--%s %s: %v", f.Name, value, err)
			}
		}
	})
}

func simulateError(t *testing.T, args ...string) error {
	t.Helper()
	cmd := newSimulateCommand()
	cmd.SetArgs(append([]string{"--listen", "127.0.0.1:0", "--duration", "1ms"}, args...))
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	return cmd.Execute()
}

func TestSimulateRefuses(t *testing.T) {
	for args, want := range map[string]string{
		"--errors 0x14":                                  `NAME=SHARE`,
		"--errors 0x14=0.6,0x0B=0.6":                     `more than 1`,
		"--errors 0=0.1":                                 `--errors: 0x00 is no error`,
		"--errors queue=0.1":                             `no command_status`,
		"--states gone=0.1":                              `none of`,
		"--latency 5ms..1ms":                             `backwards`,
		"--latency fast":                                 `no duration`,
		"--drop 1.5":                                     `--drop: 1.5 is no share`,
		"--name 0123456789abcdef":                        `--name: 16 octets`,
		"--system-id 0123456789abcdef":                   `--system-id: 16 octets`,
		"--system-id a --password 123456789":             `--password: 9 octets`,
		"--password pw":                                  `--password: changes nothing without --system-id`,
		"--tls-cert /nonexistent/cert":                   `--tls-cert: changes nothing without --tls-key`,
		"--tls-cert /no/cert --tls-key /no/k":            `--tls-cert, --tls-key: open /no/cert`,
		"--burst 3":                                      `--burst: changes nothing without --rate`,
		"--rate-per-bind":                                `--rate-per-bind: changes nothing`,
		"--window-status 8":                              `--window-status: changes nothing without --window`,
		"--id-first 3":                                   `--id-first: changes nothing without --id-source`,
		"--id-source counter --id-modulus 3":             `--id-modulus: changes nothing without --id-source reused`,
		"--ids hex --id-width 3":                         `--id-width: changes nothing without a padded form`,
		"--ids padded --id-width 65":                     `--id-width: 65 is not within 0..64`,
		"--enquire-misses 3":                             `--enquire-misses: changes nothing`,
		"--garbage-after 3":                              `--garbage-after: changes nothing`,
		"--receipts none --receipt-form tlv":             `--receipt-form: changes nothing without receipts`,
		"--receipts none --states expired=1":             `--states: changes nothing without receipts`,
		"--receipts with --receipt-delay 1s":             `--receipt-delay: changes nothing`,
		"--receipt-spacing 1s":                           `--receipt-spacing: changes nothing`,
		"--receipt-form tlv-only --receipt-text id:{id}": `--receipt-text: changes nothing`,
		"--max-binds 2 --max-binds-status 0":             `--max-binds-status: 0x00 refuses nobody`,
		"--rate 2 --throttle-status 0":                   `--throttle-status: 0x00 throttles nobody`,
		"--window -1 --drop 2 --rate -1":                 `(?s)--drop: 2.*\n  --rate: -1.*\n  --window: -1.*\n  next: bindery simulate --help`,
		"surplus":                                        `takes no arguments`,
	} {
		if err := simulateError(t, strings.Fields(args)...); err == nil || !regexp.MustCompile(want).MatchString(err.Error()) {
			t.Errorf("%s: error %v, want one with %q", args, err, want)
		}
	}
}

// TestReceiptText: the text is written as it was given, in the zone given
// before or after it.
func TestReceiptText(t *testing.T) {
	for _, args := range []string{"--receipt-zone +09:00 --receipt-text", "--receipt-text"} {
		sim := newSimulation()
		cmd := &cobra.Command{}
		sim.flags(cmd.Flags())
		words := append(strings.Fields(args), "id:{id} stat:{stat} done:{done} {text}", "--receipt-zone", "+09:00")
		if err := cmd.ParseFlags(words); err != nil {
			t.Fatal(err)
		}
		got := string(sim.smsc.Receipts.Format([]byte("> "), smsctest.Receipt{ID: []byte("{stat}"), State: 2, Text: []byte("{id}")}))
		if got != "> id:{stat} stat:DELIVRD done:0101010900 {id}" {
			t.Errorf("%s: %q", args, got)
		}
	}
}
