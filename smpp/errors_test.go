package smpp

import (
	"errors"
	"io"
	"testing"

	"bindery/smpp/pdu"
)

// What an operator reads.
func TestErrorTexts(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{remote(io.EOF), "session ended by the peer: EOF"},
		{local(ErrUnresponsive), "session ended by us: enquire_link unanswered"},
		{&BindError{Status: pdu.StatusInvSysID, SystemID: "acme"}, `bind of "acme" refused: ESME_RINVSYSID (0x0F)`},
		{&StateError{ID: pdu.CommandSubmitSM, State: BoundRX}, "submit_sm may not be sent in state bound_rx"},
		{&StateError{ID: pdu.CommandSubmitSM, State: 99}, "submit_sm may not be sent in state state 99"},
		{&OddError{ID: 0x10203, Status: pdu.StatusThrottled, Sequence: 7, Err: errUnknownCommand},
			"command 0x00010203 (sequence 7, status ESME_RTHROTTLED (0x58)): unknown command_id"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
	if !errors.Is(&OddError{Err: errUnmatched}, errUnmatched) {
		t.Error("an OddError hides its reason")
	}
}
