package config

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Percent is a share of 100, written "25%".
type Percent int

func (p *Percent) set(v value) error {
	digits, ok := strings.CutSuffix(v.text, "%")
	n, err := wholeNumber(digits)
	if !ok || err != nil {
		return fmt.Errorf("want a percentage such as 25%%, got %s", v.show())
	}
	*p = Percent(n)
	return nil
}

// Prefix is a range of addresses, 10.0.0.0/8, or one address.
type Prefix struct{ netip.Prefix }

func (p *Prefix) set(v value) error {
	if addr, err := netip.ParseAddr(v.text); err == nil && addr.Zone() == "" {
		p.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return nil
	}
	prefix, err := netip.ParsePrefix(v.text)
	if err != nil {
		return fmt.Errorf("want addresses such as 10.0.0.0/8, got %s", v.show())
	}
	if prefix.Masked() != prefix {
		return fmt.Errorf("has bits behind its length; is %s meant?", prefix.Masked())
	}
	p.Prefix = prefix
	return nil
}

func (s *Secret) set(v value) error {
	if v.text == "" {
		return errors.New("is empty")
	}
	*s = Secret(v.text)
	return nil
}

func (m *MessageID) setWord(w string) error {
	m.Submit, m.Receipt = w, w
	return nil
}

// primitive is a field of one of Go's own types.
type primitive struct{ v reflect.Value }

var durationType = reflect.TypeFor[time.Duration]()

func (p primitive) set(v value) error {
	switch {
	case p.v.Type() == durationType:
		return p.setDuration(v)
	case p.v.Kind() == reflect.String:
		p.v.SetString(v.text)
		return nil
	case p.v.Kind() == reflect.Bool:
		if v.quoted && !v.expanded || v.text != "true" && v.text != "false" {
			return fmt.Errorf("want true or false, got %s%s", v.show(), meantBool(v))
		}
		p.v.SetBool(v.text == "true")
		return nil
	case p.v.Kind() == reflect.Int:
		n, err := p.number(v)
		if err == nil {
			p.v.SetInt(n)
		}
		return err
	case p.v.Kind() == reflect.Uint8:
		n, err := p.number(v)
		if err == nil && (n < 0 || n > 255) {
			err = fmt.Errorf("%d is not within 0..255", n)
		}
		if err == nil {
			p.v.SetUint(uint64(n))
		}
		return err
	}
	return fmt.Errorf("has no reader for %s", p.v.Type())
}

// meantBool knows what other languages, and YAML of old, take for booleans.
func meantBool(v value) string {
	if v.expanded {
		return ""
	}
	switch strings.ToLower(v.text) {
	case "yes", "on", "y", "1", "true":
		return "; is true meant?"
	case "no", "off", "n", "0", "false":
		return "; is false meant?"
	}
	return ""
}

func (primitive) number(v value) (int64, error) {
	n, err := wholeNumber(v.text)
	if err != nil || v.quoted && !v.expanded {
		return 0, fmt.Errorf("want a whole number in digits, got %s", v.show())
	}
	return n, nil
}

func (p primitive) setDuration(v value) error {
	d, err := time.ParseDuration(v.text)
	if err != nil {
		if _, err := wholeNumber(v.text); err == nil && !v.expanded {
			return fmt.Errorf("has no unit; is %ss meant?", v.text)
		}
		return fmt.Errorf("want a duration such as 90s or 1h30m, got %s", v.show())
	}
	p.v.SetInt(int64(d))
	return nil
}

// wholeNumber reads decimal digits. No leading zero: in YAML it may or may not
// mean octal.
func wholeNumber(s string) (int64, error) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || len(digits) > 1 && digits[0] == '0' || strings.TrimLeft(digits, "0123456789") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseInt(s, 10, 32)
}
