package config

import (
	"fmt"
	"slices"
	"time"
)

// encodingNames and longMessages are those of smpp/coding, which only a test of
// this package knows.
var encodingNames = []string{"gsm7", "gsm7-packed", "ascii", "latin1", "cyrillic", "hebrew", "ucs2", "euc-kr"}

var longMessages = []string{"udh", "udh16", "sar", "payload"}

func (k *checker) carriers(carriers []Carrier) {
	ids := map[string]string{}
	for i := range carriers {
		c, path := &carriers[i], fmt.Sprintf("carriers[%d]", i)
		k.id(path+".id", c.ID, ids)
		k.way(path, c)
		if c.Accept != nil {
			k.credentials(path+".accept", c.Accept.SystemID, c.Accept.Password)
		}
		k.limits(path, c)
		k.text(path, c)
		k.submitSM(path+".submit_sm", &c.SubmitSM)
		k.clientTLS(path+".tls", c.TLS)
	}
}

// way checks how the carrier is reached: exactly one of address, addresses and
// accept.
func (k *checker) way(path string, c *Carrier) {
	ways := 0
	for _, key := range []string{"address", "addresses", "accept"} {
		if k.given(path + "." + key) {
			ways++
		}
		if ways == 2 {
			k.problem(path+"."+key, "only one of address, addresses and accept is taken")
			return
		}
	}
	switch {
	case ways == 0:
		k.problem(path, "has neither address, addresses nor accept")
		return
	case k.given(path + ".address"):
		k.address(path+".address", c.Address, false)
		c.Addresses = []string{c.Address}
	case k.given(path + ".addresses"):
		if len(c.Addresses) == 0 {
			k.problem(path+".addresses", "is empty")
		}
		for i, a := range c.Addresses {
			k.address(fmt.Sprintf("%s.addresses[%d]", path, i), a, false)
		}
	case c.TLS != nil:
		k.problem(path+".tls", "is for carriers that are dialled; for those that bind to us smpp.tls counts")
	}
	if c.Accept == nil {
		k.required(path+".system_id", c.SystemID)
	}
	k.octets(path+".system_id", c.SystemID, maxSystemID)
	k.octets(path+".password", string(c.Password), maxPassword)
	k.octets(path+".system_type", c.SystemType, maxSystemType)
}

func (k *checker) limits(path string, c *Carrier) {
	k.oneOf(path+".bind", c.Bind, BindTransceiver, BindPair)
	k.within(path+".binds", c.Binds, 1, maxBinds)
	k.within(path+".window", c.Window, 1, maxWindow)
	k.within(path+".rate", c.Rate, 0, maxRate)
	k.lasting(path+".response_timeout", c.ResponseTimeout, 100*time.Millisecond, 5*time.Minute)
	k.lasting(path+".enquire_link", c.EnquireLink, time.Second, time.Hour)
	k.lasting(path+".receipt_clock", c.ReceiptClock, time.Second, 72*time.Hour)
	k.lasting(path+".throttle_pause", c.ThrottlePause, 100*time.Millisecond, 10*time.Minute)
	k.within(path+".retry.temporary", c.Retry.Temporary, 1, maxRetries)
	k.within(path+".retry.uncertain", c.Retry.Uncertain, 1, maxRetries)
}

func (k *checker) text(path string, c *Carrier) {
	k.oneOf(path+".message_id.submit", c.MessageID.Submit, "auto", "as-is", "hex", "decimal")
	if c.MessageID.Receipt != c.MessageID.Submit || k.given(path+".message_id.receipt") {
		k.oneOf(path+".message_id.receipt", c.MessageID.Receipt, "auto", "as-is", "hex", "decimal")
	}
	k.oneOf(path+".long_message", c.LongMessage, longMessages...)
	if _, err := location(c.TimeZone); err != nil {
		k.problem(path+".time_zone", "%s is no zone: want UTC, +09:00 or a name such as Asia/Seoul", quote(c.TimeZone))
	}
	if len(c.Encodings) == 0 {
		k.problem(path+".encodings", "is empty")
	}
	for i, e := range c.Encodings {
		p := fmt.Sprintf("%s.encodings[%d]", path, i)
		k.oneOf(p, e, encodingNames...)
		if slices.Contains(c.Encodings[:i], e) {
			k.problem(p, "%s is named twice", quote(e))
		}
	}
	for _, e := range sortedKeys(c.DataCoding) {
		if !slices.Contains(c.Encodings, e) {
			k.problem(path+".data_coding."+plainKey(e), "%s is not among the carrier's encodings", quote(e))
		}
	}
}

// Location is the zone of the dates in the carrier's receipts.
func (c *Carrier) Location() *time.Location {
	l, err := location(c.TimeZone)
	if err != nil {
		return time.UTC // not after Parse, which has refused it
	}
	return l
}

func location(name string) (*time.Location, error) {
	if t, err := time.Parse("-07:00", name); err == nil {
		_, offset := t.Zone()
		return time.FixedZone(name, offset), nil
	}
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("zone %q depends on the machine", name)
	}
	return time.LoadLocation(name)
}
