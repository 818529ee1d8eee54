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
	message  queue.Message // Parts is what the route's largest carrier needs
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
func (c *checked) validate(d *Draft, now time.Time) {
	*c = checked{errs: append([]FieldError(nil), d.Faults...)}
	c.to(d.To)
	c.rest(d, now)
	c.text(d.Text)
}

// rest checks all fields but to and text: what the recipients of a batch share.
func (c *checked) rest(d *Draft, now time.Time) {
	c.message.Reference, c.message.Campaign, c.message.Callback = d.Reference, d.Campaign, d.Callback
	c.from(d.From)
	c.times(d, now)
	c.words(d)
	c.labels(d)
	c.callback(d)
}

func (c *checked) to(to string) {
	switch {
	case to == "":
		c.fault("to", "is missing")
	case !isE164(to):
		c.fault("to", "want a number with its country code: + and %d to %d digits", minNumber, maxNumber)
	case to[0] == '+':
		c.message.To = to
	default:
		c.message.To = "+" + to
	}
}

func (c *checked) from(from string) {
	c.message.From = from
	switch {
	case from == "":
		c.fault("from", "is missing")
	case !isSender(from):
		c.fault("from", "want a number of at most %d digits, or at most %d letters, digits and spaces", maxNumber, maxSender)
	}
}

// maxText keeps a message within what a block of its own takes, octets.
const maxText = 224 << 10

func (c *checked) text(text string) {
	c.message.Text = text
	switch {
	case text == "":
		c.fault("text", "is missing or empty")
	case len(text) > maxText:
		c.fault("text", "has %d octets, at most %d are taken", len(text), maxText)
	case !utf8.ValidString(text):
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
	c.message.Priority = queue.Normal
	if d.Set.given(Priority, d.Priority) {
		switch d.Priority {
		case "urgent":
			c.message.Priority = queue.Urgent
		case "normal":
		case "bulk":
			c.message.Priority = queue.Bulk
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
	c.label("reference", d.Reference, maxReference)
	c.label("campaign", d.Campaign, maxCampaign)
	if d.Subject != "" {
		c.fault("subject", "an SMS has none; it is for lms and mms, which no carrier takes")
	}
}

func (c *checked) label(field, value string, most int) {
	switch {
	case len(value) > most:
		c.fault(field, "has %d octets, at most %d are taken", len(value), most)
	case !utf8.ValidString(value):
		c.fault(field, "is not valid Unicode")
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
