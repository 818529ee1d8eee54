package main

import (
	"encoding/hex"
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

var idForms = map[string]smsctest.IDForm{
	"hex": smsctest.Hex, "hex-upper": smsctest.HexUpper, "hex-padded": smsctest.HexPadded, "hex-upper-padded": smsctest.HexUpperPad,
	"decimal": smsctest.Decimal, "padded": smsctest.Padded, "uuid": smsctest.UUID,
}

var stateNames = map[string]uint8{
	"enroute": pdu.MessageStateEnroute, "delivered": pdu.MessageStateDelivered, "expired": pdu.MessageStateExpired,
	"deleted": pdu.MessageStateDeleted, "undelivered": pdu.MessageStateUndeliverable, "accepted": pdu.MessageStateAccepted,
	"unknown": pdu.MessageStateUnknown, "rejected": pdu.MessageStateRejected,
}

func stateName(state uint8) string {
	for name, s := range stateNames {
		if s == state {
			return name
		}
	}
	return ""
}

// choice is a flag that takes one of some words.
type choice[T comparable] struct {
	value *T
	words map[string]T
}

func oneOf[T comparable](f *pflag.FlagSet, value *T, name string, words map[string]T, usage string) {
	c := &choice[T]{value, words}
	f.Var(c, name, usage+": "+strings.Join(c.Words(), ", "))
}

func (c *choice[T]) Type() string { return "word" }

// Words are those that it takes, for shells and the man page.
func (c *choice[T]) Words() []string { return slices.Sorted(maps.Keys(c.words)) }

func (c *choice[T]) Set(s string) error {
	v, ok := c.words[s]
	if !ok {
		return fmt.Errorf("%q is none of %s", s, strings.Join(c.Words(), ", "))
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
		return fmt.Errorf("%q is no command_status, such as 0x58", text)
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
		return fmt.Errorf("%q is no duration, such as 20ms or 20ms..80ms", text)
	}
	to, err := time.ParseDuration(high)
	if err != nil {
		return fmt.Errorf("%q is no duration, such as 20ms or 20ms..80ms", text)
	}
	if from < 0 {
		return fmt.Errorf("%q is below 0", text)
	}
	if to < from {
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
	*s = nil
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
		list = append(list, fmt.Sprintf("%s=%g", stateName(e.State), e.Share))
	}
	return strings.Join(list, ",")
}

func (s *stateShares) Set(text string) error {
	*s = nil
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

func (s *stateList) Type() string { return "states" }
func (s *stateList) String() string {
	list := make([]string, 0, len(*s))
	for _, state := range *s {
		list = append(list, stateName(state))
	}
	return strings.Join(list, ",")
}

func (s *stateList) Set(text string) error {
	*s = nil
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

// zoneFlag reads UTC, +09:00 and the names of the time zone database.
type zoneFlag struct{ zone **time.Location }

func (z zoneFlag) Type() string { return "zone" }
func (z zoneFlag) String() string {
	if z.zone == nil || *z.zone == nil {
		return "UTC"
	}
	return (*z.zone).String()
}

func (z zoneFlag) Set(text string) error {
	if t, err := time.Parse("-07:00", text); err == nil {
		_, offset := t.Zone()
		*z.zone = time.FixedZone(text, offset)
		return nil
	}
	l, err := time.LoadLocation(text)
	if err != nil || text == "" || text == "Local" {
		return fmt.Errorf("%q is no zone: UTC, +09:00 or a name such as Asia/Seoul", text)
	}
	*z.zone = l
	return nil
}

// octetsFlag reads hexadecimal digits.
type octetsFlag []byte

func (o *octetsFlag) Type() string   { return "hex" }
func (o *octetsFlag) String() string { return hex.EncodeToString(*o) }
func (o *octetsFlag) Set(text string) error {
	b, err := hex.DecodeString(text)
	if err != nil {
		return fmt.Errorf("%q is no even number of hexadecimal digits", text)
	}
	*o = b
	return nil
}

// receiptText is a receipt's text with places for what differs.
type receiptText struct {
	text   string
	format *func(dst []byte, r smsctest.Receipt) []byte
	zone   **time.Location
}

func (t *receiptText) Type() string   { return "text" }
func (t *receiptText) String() string { return t.text }
func (t *receiptText) Set(text string) error {
	places := strings.NewReplacer("{id}", "", "{stat}", "", "{submitted}", "", "{done}", "", "{text}", "")
	if rest := places.Replace(text); strings.ContainsAny(rest, "{}") {
		return fmt.Errorf("%q: the places are {id}, {stat}, {submitted}, {done} and {text}", text)
	}
	t.text = text
	*t.format = func(dst []byte, r smsctest.Receipt) []byte {
		zone := time.UTC
		if *t.zone != nil {
			zone = *t.zone
		}
		const form = "0601021504" // YYMMDDhhmm, SMPP 3.4 Appendix B
		s := strings.NewReplacer("{id}", string(r.ID), "{stat}", smsctest.StateText(r.State),
			"{submitted}", r.Submitted.In(zone).Format(form), "{done}", r.Done.In(zone).Format(form), "{text}", string(r.Text)).Replace(text)
		return append(dst, s...)
	}
	return nil
}
