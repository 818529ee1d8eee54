// Package pdu turns SMPP octets into structs and back, and does nothing else:
// no socket, no clock, no allocation on the way of a submit_sm or a deliver_sm.
// The session (package smpp) calls it for every PDU of a connection.
//
// Each PDU is a struct of plain fields in a file of its own. Lengths are derived
// when it is written and checked when it is read; TLVs keep their order, known
// or not. What is sent is held to the spec's limits; what comes may exceed them
// as far as its frame allows, since carriers do, but nothing that is missing is
// read as zeros. The three tables (commandTable, statusTable, tagTable) are the
// only lists of their kind.
//
// Nothing here is shared: a struct, a Decoder or a Reader belongs to the
// goroutine that uses it, and the tables are never written. There is no state
// that outlives a call but a Reader's unread octets.
package pdu

// Header is the fixed part of every PDU (SMPP 3.4 §3.2). command_length is not
// in it: it is derived when a PDU is written and checked when one is read.
type Header struct {
	ID       CommandID
	Status   CommandStatus
	Sequence uint32 // 1..0x7FFFFFFF; 0 is taken from peers that number so
}

// Head gives access to the header of any PDU.
func (h *Header) Head() *Header { return h }

// PDU is one SMPP operation.
//
// AppendTo appends the whole PDU, command_length first, and writes the command
// id that belongs to the struct. On an error dst is returned as it was.
//
// Decode fills the receiver from one whole PDU, header included, and resets
// what src does not hold. Octet fields alias src: who keeps them longer than
// src copies them.
type PDU interface {
	Head() *Header
	AppendTo(dst []byte) ([]byte, error)
	Decode(src []byte) error
}

// Address is a source or destination address (SMPP 3.4 §5.2.5–5.2.9).
type Address struct {
	TON, NPI uint8
	Addr     []byte // at most 20 octets, without the NUL
}
