package pdu

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// cursor walks one PDU field by field. The first fault stops it: what comes
// after reads as nothing, so a Decode checks err once, at its end.
type cursor struct {
	src     []byte
	off     int
	command CommandID
	err     *Error
	// optional is set in a response with an error status: that is the answer,
	// so a body that does not parse is left out. Refusing the response would
	// turn a clear refusal into no answer.
	optional bool
}

// noBody ends the walk of a response that has none; nobody gets to see it.
var noBody = &Error{Field: "body", Reason: "there is none"}

// open fills h from src and gives a cursor on the body, after checking that
// src is exactly one PDU with the id want.
func open(h *Header, src []byte, want CommandID) cursor {
	c := openAny(h, src, want)
	if c.err == nil && h.ID != want {
		c.off = 4
		c.command = want
		c.fail("command_id", StatusInvCmdID, fmt.Sprintf("it is %s", h.ID))
	}
	return c
}

// openAny is open without a check of the id; fallback names the PDU in the
// error when src is too short to have one.
func openAny(h *Header, src []byte, fallback CommandID) cursor {
	if len(src) < HeaderLen {
		*h = Header{}
		c := cursor{command: fallback}
		c.fail("header", StatusInvCmdLen, fmt.Sprintf("%d octets of %d", len(src), HeaderLen))
		return c
	}
	*h = parseHeader(src)
	c := cursor{src: src, off: HeaderLen, command: h.ID}
	if n := binary.BigEndian.Uint32(src); uint64(n) != uint64(len(src)) {
		c.off = 0
		c.fail("command_length", StatusInvCmdLen, fmt.Sprintf("it is %d, the PDU has %d octets", n, len(src)))
	}
	return c
}

// fail records the fault of the field at the cursor and ends the walk.
func (c *cursor) fail(field string, status CommandStatus, reason string) {
	if c.err == nil {
		c.err = &Error{Command: c.command, Field: field, Offset: c.off, Status: status, Reason: reason}
	}
	c.off = len(c.src)
}

// done is the error of the walk, without a typed nil in the interface.
func (c *cursor) done() error {
	if c.err != nil && !c.optional {
		return c.err
	}
	return nil
}

// response makes the body that follows optional after an error status.
func (c *cursor) response(status CommandStatus) {
	if c.err != nil || status == StatusOK {
		return
	}
	c.optional = true
	if c.empty() {
		c.err = noBody
	}
}

func (c *cursor) empty() bool { return c.off >= len(c.src) }

func (c *cursor) uint8(field string) uint8 {
	if c.off >= len(c.src) {
		c.fail(field, StatusInvCmdLen, "the PDU ends before it")
		return 0
	}
	v := c.src[c.off]
	c.off++
	return v
}

func (c *cursor) uint32(field string) uint32 {
	if len(c.src)-c.off < 4 {
		c.fail(field, StatusInvCmdLen, fmt.Sprintf("%d octets of 4 are left", len(c.src)-c.off))
		return 0
	}
	v := binary.BigEndian.Uint32(c.src[c.off:])
	c.off += 4
	return v
}

// cstring reads a C-octet string (§3.1). Its length is not held against the
// spec's: what is too long for the spec still was sent, and whoever reads it
// decides. Without its NUL it is truncated.
func (c *cursor) cstring(field string) []byte {
	rest := c.src[c.off:]
	if len(rest) > 0 && rest[0] == 0 {
		c.off++
		return rest[:0:0]
	}
	n := bytes.IndexByte(rest, 0)
	if n < 0 {
		c.fail(field, StatusInvCmdLen, "the PDU ends before its NUL")
		return nil
	}
	c.off += n + 1
	return rest[:n:n]
}

func (c *cursor) address(a *Address, ton, npi, addr string) {
	a.TON = c.uint8(ton)
	a.NPI = c.uint8(npi)
	a.Addr = c.cstring(addr)
}

// shortMessage reads sm_length and short_message. The spec allows 254 octets
// (5.2.21), SMPP 5.0 and carriers 255, and the octet holds no more.
func (c *cursor) shortMessage() []byte {
	n := int(c.uint8("sm_length"))
	if n > len(c.src)-c.off {
		c.fail("short_message", StatusInvMsgLen, fmt.Sprintf("sm_length is %d, %d octets are left", n, len(c.src)-c.off))
		return nil
	}
	v := c.src[c.off : c.off+n : c.off+n]
	c.off += n
	return v
}

// tlvs reads what is left as optional parameters into the capacity of list.
// Fewer than four octets at the end cannot be one (§3.2.4.1) and are dropped:
// some peers add a NUL that sm_length does not count.
func (c *cursor) tlvs(list TLVs) TLVs {
	list = list[:0]
	for len(c.src)-c.off >= tlvHeaderLen {
		rest := c.src[c.off:]
		tag := Tag(binary.BigEndian.Uint16(rest))
		n := int(binary.BigEndian.Uint16(rest[2:]))
		if rest = rest[tlvHeaderLen:]; n > len(rest) {
			c.fail(tag.String(), StatusInvOptParStream, fmt.Sprintf("its length is %d, %d octets are left", n, len(rest)))
			break
		}
		list = append(list, TLV{Tag: tag, Value: rest[:n:n]})
		c.off += tlvHeaderLen + n
	}
	return list
}
