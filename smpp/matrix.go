package smpp

import (
	"fmt"

	"bindery/smpp/pdu"
)

// State is the session's state (SMPP 3.4 §2.2), with the time between an
// unbind and the end of the connection as its own.
type State uint8

const (
	Open State = iota // connected, not bound
	BoundTX
	BoundRX
	BoundTRX
	Unbinding // an unbind was sent or taken: no new requests, answers only
	Closed
)

var stateNames = [...]string{"open", "bound_tx", "bound_rx", "bound_trx", "unbinding", "closed"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// states is a set of State.
type states uint8

func in(all ...State) (set states) {
	for _, s := range all {
		set |= 1 << s
	}
	return set
}

func (set states) has(s State) bool { return set&(1<<s) != 0 }

var (
	onlyOpen     = in(Open)
	transmitting = in(BoundTX, BoundTRX)
	receiving    = in(BoundRX, BoundTRX)
	connected    = in(Open, BoundTX, BoundRX, BoundTRX, Unbinding)
)

// operation says in which states which side may send a request.
type operation struct {
	esme, smsc states
	silent     bool // it has no response
	optional   bool // only an OperationHandler does it
}

// matrix is table 2-1 of SMPP 3.4 (§2.4), requests only: a response is right
// when it answers an open request. enquire_link goes in every state (§4.11),
// and replace_sm on a transceiver too.
func matrix(id pdu.CommandID) (op operation, known bool) {
	switch id {
	case pdu.CommandBindTransmitter, pdu.CommandBindReceiver, pdu.CommandBindTransceiver:
		return operation{esme: onlyOpen}, true
	case pdu.CommandOutbind:
		return operation{smsc: onlyOpen, silent: true}, true
	case pdu.CommandUnbind, pdu.CommandEnquireLink:
		return operation{esme: connected, smsc: connected}, true
	case pdu.CommandSubmitSM:
		return operation{esme: transmitting}, true
	case pdu.CommandSubmitMulti, pdu.CommandQuerySM, pdu.CommandCancelSM, pdu.CommandReplaceSM:
		return operation{esme: transmitting, optional: true}, true
	case pdu.CommandDataSM:
		return operation{esme: transmitting, smsc: receiving}, true
	case pdu.CommandDeliverSM:
		return operation{smsc: receiving}, true
	case pdu.CommandAlertNotification:
		return operation{smsc: receiving, silent: true, optional: true}, true
	default:
		return operation{}, false
	}
}

// side is which end of the connection we are.
type side uint8

const (
	esme side = iota
	smsc
)

func (s side) peer() side { return esme + smsc - s }

// allows tells whether a side may send the request in a state.
func (op operation) allows(s side, in State) bool {
	if s == esme {
		return op.esme.has(in)
	}
	return op.smsc.has(in)
}

// boundState is the state that a bind leads to.
func boundState(bind pdu.CommandID) State {
	switch bind {
	case pdu.CommandBindTransmitter:
		return BoundTX
	case pdu.CommandBindReceiver:
		return BoundRX
	default:
		return BoundTRX
	}
}
