package smppcarrier

import (
	"errors"
	"sync"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

// oddEvery is the least time between two log lines about what a carrier sends
// and should not: it may do so with every PDU.
const oddEvery = time.Second

// oddities paces the log of what a carrier sends and should not.
type oddities struct {
	mu     sync.Mutex // guards all below
	logged time.Time
	more   int // since then, not logged
}

// may tells whether one may be logged, and how many were not since the last.
func (o *oddities) may(now time.Time) (more int, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.logged.IsZero() && now.Sub(o.logged) < oddEvery {
		o.more++
		return 0, false
	}
	more, o.logged, o.more = o.more, now, 0
	return more, true
}

// note logs one; those between two lines are counted in the next.
func (c *Carrier) note(bind int, what string, h *pdu.Header, err error) {
	more, ok := c.odd.may(time.Now())
	if !ok {
		return
	}
	c.cfg.Log.Warn().Str("carrier", c.cfg.Carrier).Int("bind", bind).Stringer("command", h.ID).
		Stringer("status", h.Status).Uint32("seq", h.Sequence).Int("more", more).Err(err).Msg(what)
}

// strange answers a request that a carrier has no business to send us as the
// session does one that nobody does: by its own response, since generic_nack is
// for what is no PDU of SMPP (SMPP 3.4 §4.3), and by ESME_RINVCMDID, so that it
// does not come again. After an error a response is its header alone (§4.4.2).
func (c *Carrier) strange(bind int, s *smpp.Session, p pdu.PDU) {
	h := p.Head()
	c.note(bind, "request that we do not take", h, nil)
	no := pdu.Unknown{Header: pdu.Header{ID: h.ID.Response(), Status: pdu.StatusInvCmdID, Sequence: h.Sequence}}
	if err := s.Respond(&no); err != nil && !errors.Is(err, smpp.ErrClosing) {
		c.cfg.Log.Warn().Str("carrier", c.cfg.Carrier).Err(err).Msg("request could not be answered")
	}
}
