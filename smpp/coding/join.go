package coding

import (
	"errors"
	"fmt"
)

// Fragment is one short message as it came in, header and text apart.
type Fragment struct {
	Concat     Concat // Total 0: not a part of several
	Header     int    // octets of the header before Body
	DataCoding uint8
	Body       []byte
}

// ParseFragment parts what deliver_sm holds; Body aliases octets. Who finds
// sar_* TLVs beside it sets Concat from them. An error wraps ErrBadUDH.
func ParseFragment(octets []byte, dataCoding, esmClass uint8) (Fragment, error) {
	f := Fragment{DataCoding: dataCoding, Body: octets}
	if esmClass&ESMClassUDHI == 0 {
		return f, nil
	}
	udh, body, err := SplitUDH(octets)
	if err != nil {
		return f, err
	}
	f.Header, f.Body = len(udh), body
	f.Concat, _, err = FindConcat(udh)
	return f, err
}

// Join reads the text of a whole message from its parts, which come in any
// order; a part that came twice counts once. The octets are joined before they
// are read, so a sender that cuts through a character does no harm. Errors as
// Decode's, and one for parts that are missing or belong to different messages.
func (p *Profile) Join(parts []Fragment) (string, error) {
	ordered, err := order(parts)
	if err != nil {
		return "", err
	}
	var text, octets []byte
	var bad error
	current := Auto
	flush := func() error {
		if current == Auto {
			return nil
		}
		s, err := decode(octets, current)
		if err != nil && !errors.Is(err, ErrBadText) {
			return err
		}
		bad = errors.Join(bad, err)
		text, octets = append(text, s...), octets[:0]
		return nil
	}
	for _, f := range ordered {
		e, ok := p.EncodingOf(f.DataCoding)
		if !ok {
			return "", fmt.Errorf("%w: data_coding 0x%02X is not known", ErrNotText, f.DataCoding)
		}
		packed := e == GSM7Packed
		if packed {
			e = GSM7
		}
		if e != current {
			if err := flush(); err != nil {
				return "", err
			}
			current = e
		}
		if packed {
			octets = unpack(octets, f.Body, f.Header)
		} else {
			octets = append(octets, f.Body...)
		}
	}
	if err := flush(); err != nil {
		return "", err
	}
	return string(text), bad
}

// order sorts the parts of one message by their number.
func order(parts []Fragment) ([]Fragment, error) {
	if len(parts) == 1 && parts[0].Concat.Total == 0 {
		return parts, nil
	}
	if len(parts) == 0 {
		return nil, errors.New("join: no parts")
	}
	first := parts[0].Concat
	ordered := make([]Fragment, first.Total)
	var have [MaxParts + 1]bool
	for _, f := range parts {
		c := f.Concat
		if c.Total != first.Total || c.Ref != first.Ref || c.Wide != first.Wide || c.Seq < 1 || c.Seq > c.Total {
			return nil, fmt.Errorf("join: part %d/%d of reference %d beside one of %d parts of reference %d",
				c.Seq, c.Total, c.Ref, first.Total, first.Ref)
		}
		if !have[c.Seq] {
			have[c.Seq], ordered[c.Seq-1] = true, f
		}
	}
	for seq := 1; seq <= int(first.Total); seq++ {
		if !have[seq] {
			return nil, fmt.Errorf("join: part %d of %d is missing", seq, first.Total)
		}
	}
	return ordered, nil
}
