package bindpool

import (
	"errors"
	"testing"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

func refusal(s pdu.CommandStatus) error { return &smpp.BindError{Status: s} }

func TestBackoff(t *testing.T) {
	const s = time.Second
	cut := errors.New("connection refused")
	tests := []struct {
		name   string
		err    error
		random float64
		want   []time.Duration
	}{
		{"the network, at worst", cut, 0.999999999, []time.Duration{s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 60 * s, 60 * s}},
		{"the network, half way", cut, 0.5, []time.Duration{s / 2, s, 2 * s, 4 * s, 8 * s, 16 * s, 30 * s, 30 * s}},
		{"the network, at best", cut, 0, []time.Duration{0, 0, 0}},
		{"already bound, at best", refusal(pdu.StatusAlyBnd), 0, []time.Duration{s / 2, s, 2 * s, 4 * s, 8 * s, 16 * s, 30 * s, 30 * s}},
		{"throttled, at worst", refusal(pdu.StatusThrottled), 0.999999999, []time.Duration{s, 2 * s, 4 * s}},
		{"wrong password", refusal(pdu.StatusInvPaswd), 0.5, []time.Duration{300*s + s/2, 301 * s, 302 * s}},
		{"a status of nobody's list", refusal(0x4FF), 0.5, []time.Duration{s / 2, s}},
	}
	for _, tt := range tests {
		b := backoff{first: s, bound: 60 * s, refused: 300 * s}
		for i, want := range tt.want {
			got := b.next(tt.err, tt.random)
			if diff := got - want; diff < -time.Millisecond || diff > time.Millisecond {
				t.Errorf("%s: wait %d is %v, want %v", tt.name, i, got, want)
			}
		}
		if b.tries != len(tt.want) {
			t.Errorf("%s: %d tries, want %d", tt.name, b.tries, len(tt.want))
		}
	}
}

func TestFailureKinds(t *testing.T) {
	for status, want := range map[pdu.CommandStatus]failureKind{
		pdu.StatusAlyBnd: passing, pdu.StatusSysErr: passing, pdu.StatusMsgQFul: passing, pdu.StatusThrottled: passing,
		pdu.StatusBindFail: credentials, pdu.StatusInvPaswd: credentials, pdu.StatusInvSysID: credentials, pdu.StatusInvSysTyp: credentials,
		pdu.StatusUnknownErr: network, 0x4FF: network,
	} {
		if got := kind(refusal(status)); got != want {
			t.Errorf("%v is of kind %d, want %d", status, got, want)
		}
	}
}
