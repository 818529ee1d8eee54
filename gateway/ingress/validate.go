package ingress

import (
	"fmt"
	"net/url"
	"time"
	"unicode/utf8"

	"bindery/queue"
	"bindery/smpp/coding"
)

// Limits of the fields.
const (
	maxAhead        = 30 * 24 * time.Hour
	DefaultValidity = 48 * time.Hour
	MaxValidity     = 7 * 24 * time.Hour
	minValidity     = time.Second // what SMPP's validity_period can say
	maxReference    = 128         // octets
	maxCampaign     = 64          // octets
	maxCallback     = 2048        // octets
)

// checked is a draft on its way to the queue.
type checked struct {
	message  queue.Message
	priority queue.Priority
	encoding coding.Encoding
	errs     []FieldError
}

// fault reports a field once: what was found first names the cause.
func (c *checked) fault(field, format string, args ...any) {
	if !c.faulty(field) {
		c.errs = append(c.errs, FieldError{field, fmt.Sprintf(format, args...)})
	}
}

func (c *checked) faulty(field string) bool {
	for i := range c.errs {
		if c.errs[i].Field == field {
			return true
		}
	}
	return false
}

// validate checks every field of a draft; all that is wrong is in errs. No
// message quotes a value: they may end up in the log of whoever sends.
func validate(d *Draft, now time.Time) *checked {
	c := &checked{errs: append([]FieldError(nil), d.Faults...)}
	c.message = queue.Message{From: d.From, Text: d.Text, Reference: d.Reference, Campaign: d.Campaign, Callback: d.Callback}
	c.addresses(d)
	c.text(d)
	c.times(d, now)
	c.words(d)
	c.labels(d)
	c.callback(d)
	return c
}

func (c *checked) addresses(d *Draft) {
	switch {
	case d.To == "":
		c.fault("to", "is missing")
	case !isE164(d.To):
		c.fault("to", "want a number with its country code: + and %d to %d digits", minNumber, maxNumber)
	case d.To[0] == '+':
		c.message.To = d.To
	default:
		c.message.To = "+" + d.To
	}
	switch {
	case d.From == "":
		c.fault("from", "is missing")
	case !isSender(d.From):
		c.fault("from", "want a number of at most %d digits, or at most %d letters, digits and spaces", maxNumber, maxSender)
	}
}

func (c *checked) text(d *Draft) {
	switch {
	case d.Text == "":
		c.fault("text", "is missing or empty")
	case !utf8.ValidString(d.Text):
		c.fault("text", "is not valid Unicode")
	}
}

func (c *checked) times(d *Draft, now time.Time) {
	c.message.Validity = DefaultValidity
	if d.Set.given(Validity, d.Validity) {
		v, err := time.ParseDuration(d.Validity)
		switch {
		case err != nil:
			c.fault("validity", `want a duration such as "90s" or "48h"`)
		case v < minValidity || v > MaxValidity:
			c.fault("validity", "is not within 1s and 168h (7 days)")
		default:
			c.message.Validity, c.message.ValidityNamed = v, true
		}
	}
	if !d.Set.given(SendAt, d.SendAt) {
		return
	}
	var at time.Time
	switch err := at.UnmarshalText([]byte(d.SendAt)); {
	case err != nil:
		c.fault("send_at", "want a time in RFC 3339, such as 2031-05-09T08:00:00+09:00")
	case at.After(now.Add(maxAhead)):
		c.fault("send_at", "is more than 30 days ahead")
	case at.After(now): // the past means now
		c.message.SendAt = at.UTC().Truncate(time.Millisecond)
	}
}

func (c *checked) words(d *Draft) {
	c.priority = queue.Normal
	if d.Set.given(Priority, d.Priority) {
		switch d.Priority {
		case "urgent":
			c.priority = queue.Urgent
		case "normal":
		case "bulk":
			c.priority = queue.Bulk
		default:
			c.fault("priority", "want urgent, normal or bulk")
		}
	}
	if d.Set.given(OnUncertain, d.OnUncertain) {
		switch d.OnUncertain {
		case "resend":
		case "hold":
			c.message.Hold = true
		default:
			c.fault("on_uncertain", "want resend or hold")
		}
	}
	if d.Set.given(Encoding, d.Encoding) {
		e, err := coding.ParseEncoding(d.Encoding)
		if err != nil || d.Encoding == "" {
			c.fault("encoding", "is not known; auto chooses")
		}
		if c.encoding = e; e != coding.Auto {
			c.message.Encoding = d.Encoding
		}
	}
	if d.Set.given(Kind, d.Kind) {
		c.kind(d.Kind)
	}
}

// kind refuses what has no way out yet: a carrier for LMS or MMS.
func (c *checked) kind(kind string) {
	switch kind {
	case "auto", "sms":
	case "lms", "mms":
		c.fault("kind", "no carrier takes %s", kind)
	default:
		c.fault("kind", "want auto, sms, lms or mms")
	}
}

func (c *checked) labels(d *Draft) {
	for _, l := range []struct {
		name, value string
		most        int
	}{{"reference", d.Reference, maxReference}, {"campaign", d.Campaign, maxCampaign}} {
		switch {
		case len(l.value) > l.most:
			c.fault(l.name, "has %d octets, at most %d are taken", len(l.value), l.most)
		case !utf8.ValidString(l.value):
			c.fault(l.name, "is not valid Unicode")
		}
	}
	if d.Subject != "" {
		c.fault("subject", "an SMS has none; it is for lms and mms, which no carrier takes")
	}
}

func (c *checked) callback(d *Draft) {
	if !d.Set.given(Callback, d.Callback) {
		return
	}
	u, err := url.Parse(d.Callback)
	switch {
	case len(d.Callback) > maxCallback:
		c.fault("callback", "has %d octets, at most %d are taken", len(d.Callback), maxCallback)
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		c.fault("callback", "want a URL such as https://example.com/events")
	case u.User != nil || u.Fragment != "":
		c.fault("callback", "holds a user, a password or a # part")
	}
}
