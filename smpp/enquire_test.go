package smpp_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

// Enquire asks at once, also a session that never asks by itself; without an
// answer it ends as after any other enquire_link.
func TestEnquire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, _ := bound(t, smpp.Config{EnquireLink: -1, EnquireMisses: 1, ResponseTimeout: 4 * time.Second})
		time.Sleep(time.Hour)
		peer.quiet(t)
		for seq := uint32(2); seq < 4; seq++ {
			if err := s.Enquire(); err != nil {
				t.Fatal(err)
			}
			peer.want(t, pdu.CommandEnquireLink, 0, seq)
			peer.header(pdu.CommandEnquireLinkResp, 0, seq)
			time.Sleep(time.Hour)
		}
		if st := s.Stat(); st.Enquiries != 2 || st.Unmatched != 0 || st.State != smpp.BoundTRX {
			t.Errorf("%+v", st)
		}
		if err := s.Enquire(); err != nil {
			t.Fatal(err)
		}
		peer.want(t, pdu.CommandEnquireLink, 0, 4)
		time.Sleep(3 * time.Second)
		if s.Err() != nil {
			t.Errorf("given up early: %v", s.Err())
		}
		<-s.Done()
		if !errors.Is(s.Err(), smpp.ErrUnresponsive) {
			t.Errorf("ended: %v", s.Err())
		}
		if err := s.Enquire(); !errors.Is(err, smpp.ErrClosing) {
			t.Errorf("enquire after the end: %v", err)
		}
	})
}
