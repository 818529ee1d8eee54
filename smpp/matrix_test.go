package smpp

import (
	"testing"

	"bindery/smpp/pdu"
)

// What each side may send where: O open, T bound_tx, R bound_rx, X bound_trx,
// U unbinding. After table 2-1 of SMPP 3.4.
func TestMatrix(t *testing.T) {
	letters := map[rune]State{'O': Open, 'T': BoundTX, 'R': BoundRX, 'X': BoundTRX, 'U': Unbinding, 'C': Closed}
	tests := []struct {
		id         pdu.CommandID
		esme, smsc string
		silent     bool
	}{
		{pdu.CommandBindTransmitter, "O", "", false},
		{pdu.CommandBindReceiver, "O", "", false},
		{pdu.CommandBindTransceiver, "O", "", false},
		{pdu.CommandOutbind, "", "O", true},
		{pdu.CommandUnbind, "OTRXU", "OTRXU", false},
		{pdu.CommandEnquireLink, "OTRXU", "OTRXU", false},
		{pdu.CommandSubmitSM, "TX", "", false},
		{pdu.CommandSubmitMulti, "TX", "", false},
		{pdu.CommandQuerySM, "TX", "", false},
		{pdu.CommandCancelSM, "TX", "", false},
		{pdu.CommandReplaceSM, "TX", "", false},
		{pdu.CommandDataSM, "TX", "RX", false},
		{pdu.CommandDeliverSM, "", "RX", false},
		{pdu.CommandAlertNotification, "", "RX", true},
	}
	for _, tt := range tests {
		op, known := matrix(tt.id)
		if !known || op.silent != tt.silent {
			t.Errorf("%v: known %v silent %v", tt.id, known, op.silent)
		}
		switch tt.id {
		case pdu.CommandSubmitMulti, pdu.CommandQuerySM, pdu.CommandCancelSM, pdu.CommandReplaceSM, pdu.CommandAlertNotification:
			if !op.optional {
				t.Errorf("%v is for every Handler", tt.id)
			}
		default:
			if op.optional {
				t.Errorf("%v is for an OperationHandler only", tt.id)
			}
		}
		for letter, state := range letters {
			for s, may := range map[side]string{esme: tt.esme, smsc: tt.smsc} {
				if got, want := op.allows(s, state), contains(may, letter); got != want {
					t.Errorf("%v by side %d in %v: %v, want %v", tt.id, s, state, got, want)
				}
			}
		}
	}
	for _, id := range []pdu.CommandID{0, 0x10203, pdu.CommandSubmitSMResp, pdu.CommandGenericNack} {
		if _, known := matrix(id); known {
			t.Errorf("%v is taken for a request of the matrix", id)
		}
	}
}

func contains(set string, letter rune) bool {
	for _, r := range set {
		if r == letter {
			return true
		}
	}
	return false
}
