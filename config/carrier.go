package config

import "time"

// Carrier is one account at one carrier's SMSC.
type Carrier struct {
	ID string `yaml:"id"`
	// Address, Addresses or Accept: exactly one is given. After loading,
	// Addresses holds Address too.
	Address    string   `yaml:"address"`
	Addresses  []string `yaml:"addresses"` // tried in turn
	Accept     *Accept  `yaml:"accept"`    // the carrier binds to us
	SystemID   string   `yaml:"system_id"`
	Password   Secret   `yaml:"password"`
	SystemType string   `yaml:"system_type"`
	Bind       string   `yaml:"bind"`   // BindTransceiver or BindPair
	Binds      int      `yaml:"binds"`  // all instances together, 1..1000
	Window     int      `yaml:"window"` // unanswered submit_sm per bind, 1..65536
	Rate       int      `yaml:"rate"`   // submit_sm per second, all binds and instances together; 0 is no limit

	ResponseTimeout time.Duration    `yaml:"response_timeout"` // of a submit_sm, 100ms..5m
	EnquireLink     time.Duration    `yaml:"enquire_link"`     // silence until we ask, 1s..1h
	ReceiptClock    time.Duration    `yaml:"receipt_clock"`    // no final receipt by then: unknown; 1s..72h
	ThrottlePause   time.Duration    `yaml:"throttle_pause"`   // silence of ours after an answer that throttles, 100ms..10m
	Retry           Retry            `yaml:"retry"`
	MessageID       MessageID        `yaml:"message_id"`
	Encodings       []string         `yaml:"encodings"`   // in order of preference
	DataCoding      map[string]uint8 `yaml:"data_coding"` // where the carrier's number is not SMPP's
	LongMessage     string           `yaml:"long_message"`
	TimeZone        string           `yaml:"time_zone"` // of the dates in receipts: UTC, +09:00 or an IANA name
	TLS             *ClientTLS       `yaml:"tls"`       // nil: plain
	SubmitSM        SubmitSM         `yaml:"submit_sm"`
	// Statuses overrides what a command_status means: ok,
	// throttled, temporary, permanent or session.
	Statuses map[CommandStatus]StatusClass `yaml:"statuses"`
}

// Kinds of bind.
const (
	BindTransceiver = "transceiver"
	BindPair        = "transmitter+receiver" // a pair counts as one bind
)

// Retry bounds the tries of one part, each 1..255.
type Retry struct {
	Temporary int `yaml:"temporary"` // then failed
	Uncertain int `yaml:"uncertain"` // then unknown
}

// MessageID is how a carrier writes its message ids: auto, as-is, hex, decimal.
// In the file one word may stand for both.
type MessageID struct {
	Submit  string `yaml:"submit"`  // in submit_sm_resp
	Receipt string `yaml:"receipt"` // in receipts
}

// ClientTLS is how a carrier is dialled over TLS; it is verified unless
// Insecure.
type ClientTLS struct {
	CA         string `yaml:"ca"` // PEM file; "": the system's
	Cert       string `yaml:"cert"`
	Key        string `yaml:"key"`
	ServerName string `yaml:"server_name"` // "": the address's host
	Insecure   bool   `yaml:"insecure"`
}

// Accept is how a carrier that binds to us is known.
type Accept struct {
	SystemID string   `yaml:"system_id"`
	Password Secret   `yaml:"password"`
	Allow    []Prefix `yaml:"allow"` // empty: from anywhere
}

func (c *Carrier) setDefaults() {
	*c = Carrier{
		Bind: BindTransceiver, Binds: 2, Window: 50, Rate: 500,
		ResponseTimeout: 10 * time.Second, EnquireLink: 30 * time.Second, ReceiptClock: 24 * time.Hour,
		ThrottlePause: 100 * time.Millisecond,
		Retry:         Retry{Temporary: 12, Uncertain: 3},
		MessageID:     MessageID{Submit: "auto", Receipt: "auto"},
		Encodings:     []string{"gsm7", "ucs2"}, LongMessage: "udh", TimeZone: "UTC",
	}
	c.SubmitSM.setDefaults()
}
