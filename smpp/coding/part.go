package coding

import (
	"fmt"
	"math"
)

// ESMClassUDHI is the bit of esm_class that says that the user data begins
// with a header (SMPP 3.4 §5.2.12).
const ESMClassUDHI = 0x40

// ESMClass is what the plan adds to the esm_class of its parts.
func (p Plan) ESMClass() uint8 {
	if p.Parts > 1 && (p.Long == UDH || p.Long == UDH16) {
		return ESMClassUDHI
	}
	return 0
}

// SAR tells whether the parts carry sar_msg_ref_num, sar_total_segments (Parts)
// and sar_segment_seqnum (part + 1), which the caller writes.
func (p Plan) SAR() bool { return p.Parts > 1 && p.Long == SAR }

// AppendPart appends the user data of one part, counted from 0, header
// included: what goes into short_message, or into message_payload when the
// plan says Payload. text is the one that was planned. ref is the same for all
// parts of a message; a header of 8 bits holds its low octet. Into a dst with
// room for 160 octets it allocates nothing. On an error dst is answered as it
// was.
func (p Plan) AppendPart(dst []byte, text string, part int, ref uint16) ([]byte, error) {
	if part < 0 || part >= p.Parts {
		return dst, fmt.Errorf("part %d of a text of %d", part, p.Parts)
	}
	segment, err := p.segment(text, part)
	if err != nil {
		return dst, err
	}
	start := len(dst)
	if p.ESMClass() != 0 {
		dst = AppendConcatUDH(dst, Concat{Ref: ref, Total: uint8(p.Parts), Seq: uint8(part + 1), Wide: p.Long == UDH16})
	}
	if p.Encoding == GSM7Packed {
		return putPacked(dst, segment, len(dst)-start), nil
	}
	return codecs[p.Encoding].put(dst, segment), nil
}

// segment walks from the start of text: where a part begins follows from the
// characters before it, and a walk is cheaper than a slice of borders that
// every plan would have to carry.
func (p Plan) segment(text string, part int) (string, error) {
	limit := p.partUnits()
	switch {
	case p.Payload:
		limit = math.MaxInt
	case p.Parts == 1:
		limit = capacity(p.Encoding, 0)
	}
	for i := 0; ; i++ {
		n, _, why := codecs[p.Encoding].fit(text, limit)
		if why != fine || (i == p.Parts-1) != (n == len(text)) {
			return "", fmt.Errorf("text is not the one planned: part %d", i)
		}
		if i == part {
			return text[:n], nil
		}
		text = text[n:]
	}
}
