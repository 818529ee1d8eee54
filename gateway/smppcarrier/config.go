package smppcarrier

import (
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"bindery/gateway/dispatch"
	"bindery/queue"
	"bindery/smpp/bindpool"
	"bindery/smpp/coding"
	"bindery/smpp/pdu"
)

// Config holds the settings of one carrier's connector; the zero value of a
// field means its default.
type Config struct {
	Carrier string
	Source  bindpool.Source // dialled or accepted sessions
	Pool    bindpool.Config // Size is the binds at start; Receiver makes pairs
	Window  int             // of one session, as the Source sets it; default 10

	Coding  coding.Profile
	Address Addressing

	ServiceType string // at most 5 octets
	ESMClass    uint8  // messaging mode bits (SMPP 3.4 §5.2.12); default 0, the SMSC's
	ProtocolID  uint8
	// Priority is priority_flag for urgent, normal, bulk. Nil: 1, 0, 0, which
	// GSM carriers know (§5.2.14).
	Priority *[queue.Bulk + 1]uint8
	// AbsoluteValidity hands validity_period on as a moment in UTC instead of
	// a duration (§7.1.1), for a message that named one.
	AbsoluteValidity bool
	// NoTLVs leaves out user_message_reference. It is left out anyway towards a
	// peer that says it is older than 3.4. TLVs that a text cannot be sent
	// without (sar, payload) are always written.
	NoTLVs bool

	// Statuses overrides what a command_status means. ClassOK: the carrier has
	// taken the message, with the id that it gives, if any.
	Statuses map[pdu.CommandStatus]dispatch.Class

	Log zerolog.Logger
}

func (c Config) withDefaults() Config {
	if c.Window == 0 {
		c.Window = 10
	}
	if c.Priority == nil {
		c.Priority = &[queue.Bulk + 1]uint8{queue.Urgent: 1}
	}
	c.Address = c.Address.withDefaults()
	return c
}

// Validate names every field that is out of its range.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("smppcarrier: "+format, args...)) }
	if c.Carrier == "" {
		bad("carrier has no id")
	}
	if c.Source == nil {
		bad("%s: no source of sessions", c.Carrier)
	}
	if c.Window < 0 || c.Window > 65536 {
		bad("%s: window %d is not within 1..65536", c.Carrier, c.Window)
	}
	if len(c.ServiceType) > 5 {
		bad("%s: service_type %q is longer than 5 octets", c.Carrier, c.ServiceType)
	}
	if c.ESMClass&^pdu.ESMClassModeMask != 0 {
		bad("%s: esm_class 0x%02X has more than messaging mode bits", c.Carrier, c.ESMClass)
	}
	if c.Priority != nil {
		for _, flag := range c.Priority {
			if flag > 3 {
				bad("%s: priority_flag %d is not within 0..3", c.Carrier, flag)
			}
		}
	}
	for status, class := range c.Statuses {
		if status == pdu.StatusOK || int(class) >= dispatch.Classes {
			bad("%s: status 0x%02X cannot mean %s", c.Carrier, uint32(status), class)
		}
	}
	return errors.Join(errs...)
}
