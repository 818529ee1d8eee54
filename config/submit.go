package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// SubmitSM is how the fields of a carrier's submit_sm are filled where carriers
// differ (SMPP 3.4 §4.4.1).
type SubmitSM struct {
	ServiceType   string `yaml:"service_type"`   // at most 5 octets
	MessagingMode string `yaml:"messaging_mode"` // of esm_class (§5.2.12), one of messagingModes
	ProtocolID    uint8  `yaml:"protocol_id"`
	// PriorityFlag is what each of our priorities becomes, 0..3 (§5.2.14).
	PriorityFlag PriorityFlag `yaml:"priority_flag"`
	// ValidityPeriod is how it is written for a message that names one:
	// ValidityRelative or ValidityAbsolute (§7.1.1).
	ValidityPeriod string `yaml:"validity_period"`
	Reference      bool   `yaml:"user_message_reference"` // the TLV is sent
	TONNPI         TONNPI `yaml:"ton_npi"`
}

// PriorityFlag is a priority_flag for each priority.
type PriorityFlag struct {
	Urgent int `yaml:"urgent"`
	Normal int `yaml:"normal"`
	Bulk   int `yaml:"bulk"`
}

// Forms of validity_period.
const (
	ValidityRelative = "relative" // a duration from when the carrier gets it
	ValidityAbsolute = "absolute" // a moment, in UTC
)

// messagingModes are in the order of their bits.
var messagingModes = []string{"default", "datagram", "transaction", "store-and-forward"}

// ModeBits are the messaging mode's bits of esm_class.
func (s *SubmitSM) ModeBits() uint8 {
	for bits, mode := range messagingModes {
		if mode == s.MessagingMode {
			return uint8(bits)
		}
	}
	return 0 // not after Parse, which has refused it
}

// TONNPI is how numbers are marked, by what they look like.
type TONNPI struct {
	Alphanumeric  Numbering `yaml:"alphanumeric"`  // a sender with a letter
	Short         Numbering `yaml:"short"`         // a sender of at most ShortDigits digits
	National      Numbering `yaml:"national"`      // a sender that begins with 0
	International Numbering `yaml:"international"` // any other sender
	Destination   Numbering `yaml:"destination"`   // the recipient, who is E.164
	ShortDigits   int       `yaml:"short_digits"`  // 0..20; 0: no sender is short
}

// Numbering is type of number and numbering plan (§5.2.5, §5.2.6), written
// "1/1".
type Numbering struct{ TON, NPI uint8 }

// The largest that the spec and GSM 04.08 know.
const (
	maxTON = 7
	maxNPI = 18
)

func (n *Numbering) set(v value) error {
	ton, npi, two := strings.Cut(v.text, "/")
	t, errTON := wholeNumber(ton)
	p, errNPI := wholeNumber(npi)
	switch {
	case !two || errTON != nil || errNPI != nil:
		return fmt.Errorf("want TON/NPI such as 5/0, got %s", v.show())
	case t < 0 || t > maxTON:
		return fmt.Errorf("TON %d is not within 0..%d", t, maxTON)
	case p < 0 || p > maxNPI:
		return fmt.Errorf("NPI %d is not within 0..%d", p, maxNPI)
	}
	n.TON, n.NPI = uint8(t), uint8(p)
	return nil
}

// CommandStatus is a command_status other than 0 as a key: 0x58 or 88.
type CommandStatus uint32

func (s *CommandStatus) setKey(key string) error {
	digits, base := key, 10
	if hex, ok := strings.CutPrefix(strings.ToLower(key), "0x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n == 0 || base == 10 && digits[0] == '0' { // a leading zero may or may not mean octal
		return errors.New("is no command_status other than 0; want 0x58 or 88")
	}
	*s = CommandStatus(n)
	return nil
}

// StatusClass is what a status is made to mean.
type StatusClass string

var statusClasses = []string{"ok", "throttled", "temporary", "permanent", "session"}

func (c *StatusClass) set(v value) error {
	if !slices.Contains(statusClasses, v.text) {
		return fmt.Errorf("%s is not one of %s", v.show(), strings.Join(statusClasses, ", "))
	}
	*c = StatusClass(v.text)
	return nil
}

func (s *SubmitSM) setDefaults() {
	*s = SubmitSM{
		MessagingMode: "default", PriorityFlag: PriorityFlag{Urgent: 1}, ValidityPeriod: ValidityRelative, Reference: true,
		TONNPI: TONNPI{Alphanumeric: Numbering{5, 0}, Short: Numbering{3, 0}, National: Numbering{0, 1},
			International: Numbering{1, 1}, Destination: Numbering{1, 1}, ShortDigits: 8},
	}
}

func (k *checker) submitSM(path string, s *SubmitSM) {
	k.octets(path+".service_type", s.ServiceType, maxServiceType)
	k.oneOf(path+".messaging_mode", s.MessagingMode, messagingModes...)
	k.within(path+".priority_flag.urgent", s.PriorityFlag.Urgent, 0, 3)
	k.within(path+".priority_flag.normal", s.PriorityFlag.Normal, 0, 3)
	k.within(path+".priority_flag.bulk", s.PriorityFlag.Bulk, 0, 3)
	k.oneOf(path+".validity_period", s.ValidityPeriod, ValidityRelative, ValidityAbsolute)
	k.within(path+".ton_npi.short_digits", s.TONNPI.ShortDigits, 0, 20)
}
