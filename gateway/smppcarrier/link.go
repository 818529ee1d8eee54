package smppcarrier

import (
	"sync"
	"time"

	"bindery/dlr"
	"bindery/gateway/dispatch"
	"bindery/smpp"
	"bindery/smpp/bindpool"
	"bindery/smpp/pdu"
)

// link is what the sessions of one bind brought and the sink was not told yet.
type link struct {
	mu       sync.Mutex // guards all below; a pair has two readers
	outcomes []dispatch.Outcome
	ids      []byte // of outcomes
	receipts []dispatch.Receipt
	copies   dlr.Copies // of receipts; whoever keeps one keeps its piece
	inbounds []dispatch.Inbound
	unparsed []dispatch.Unparsed
	over     int       // of outcomes: submissions that are over
	at       time.Time // of the batch: a clock read a PDU would cost as much as its decoding
}

// now is the time of the batch that is being read (mu held).
func (l *link) now() time.Time {
	if l.at.IsZero() {
		l.at = time.Now()
	}
	return l.at
}

// owner is a Carrier as bindpool sees it.
type owner struct{ c *Carrier }

var (
	_ bindpool.Owner          = owner{}
	_ bindpool.OperationOwner = owner{}
	_ bindpool.OddOwner       = owner{}
)

func (c *Carrier) link(bind int) *link {
	c.links.RLock()
	if bind < len(c.links.list) {
		defer c.links.RUnlock()
		return c.links.list[bind]
	}
	c.links.RUnlock()
	c.links.Lock()
	defer c.links.Unlock()
	for bind >= len(c.links.list) {
		c.links.list = append(c.links.list, new(link))
	}
	return c.links.list[bind]
}

// Result is part of bindpool.Owner.
func (w owner) Result(bind int, r smpp.Result) {
	c := w.c
	timedOut := r.Resp == nil && isTimeout(r.Err)
	sub := c.tokens.result(r.Token, r.Late, timedOut, bind)
	if sub == nil {
		c.cfg.Log.Error().Str("carrier", c.cfg.Carrier).Int("bind", bind).Msg("result of no open submission")
		return
	}
	o := dispatch.Outcome{Submission: sub, Late: r.Late}
	l := c.link(bind)
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Resp != nil {
		c.answered(&o, r.Resp, l.now())
	} else {
		unanswered(&o, &r)
	}
	from := len(l.ids)
	l.ids = append(l.ids, o.CarrierID...)
	o.CarrierID = l.ids[from:len(l.ids):len(l.ids)]
	l.outcomes = append(l.outcomes, o)
	if !r.Late {
		l.over++
	}
}

// Idle is part of bindpool.Owner. Outcomes go first: a receipt that was read
// behind its response finds its id.
func (w owner) Idle(bind int) {
	l := w.c.link(bind)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = time.Time{}
	if len(l.outcomes) > 0 {
		w.c.sink.Outcomes(l.outcomes)
		clear(l.outcomes)
		l.outcomes, l.ids = l.outcomes[:0], l.ids[:0]
		w.c.open.Add(int64(-l.over))
		l.over = 0
		w.c.tellFreed()
	}
	l.tellInbound(w.c.sink)
}

func (l *link) tellInbound(sink dispatch.Sink) {
	if len(l.receipts) > 0 {
		sink.Receipts(l.receipts)
		clear(l.receipts)
		l.receipts = l.receipts[:0]
	}
	if len(l.inbounds) > 0 {
		sink.Inbounds(l.inbounds)
		clear(l.inbounds)
		l.inbounds = l.inbounds[:0]
	}
	if len(l.unparsed) > 0 {
		sink.Unparsed(l.unparsed)
		clear(l.unparsed)
		l.unparsed = l.unparsed[:0]
	}
}

// Up is part of bindpool.Owner.
func (w owner) Up(bind int) {
	w.c.cfg.Log.Info().Str("carrier", w.c.cfg.Carrier).Int("bind", bind).Msg("bind is up")
	w.c.tellFreed()
}

// Down is part of bindpool.Owner.
func (w owner) Down(bind int, err error) {
	w.Idle(bind)
	w.c.tokens.down(bind)
	w.c.cfg.Log.Warn().Str("carrier", w.c.cfg.Carrier).Int("bind", bind).Err(err).Msg("bind is down")
	w.c.tellFreed()
}

// Failed is part of bindpool.Owner.
func (w owner) Failed(bind int, f bindpool.Failure) {
	event := w.c.cfg.Log.Warn()
	if f.Alarm {
		event = w.c.cfg.Log.Error()
	}
	event.Str("carrier", w.c.cfg.Carrier).Int("bind", bind).Err(f.Err).Int("tries", f.Tries).Dur("retry", f.Retry).Msg("bind failed")
}

// Request is part of bindpool.Owner.
func (w owner) Request(bind int, s *smpp.Session, p pdu.PDU) {
	c := w.c
	switch p := p.(type) {
	case *pdu.DeliverSM:
		c.delivered(bind, s, p, arrival{
			source: &p.Source, dest: &p.Destination, esmClass: p.ESMClass,
			dataCoding: p.DataCoding, octets: p.Payload(), tlvs: p.TLVs,
		})
	case *pdu.DataSM:
		c.delivered(bind, s, p, arrival{
			source: &p.Source, dest: &p.Destination, esmClass: p.ESMClass,
			dataCoding: p.DataCoding, octets: p.Payload(), tlvs: p.TLVs,
		})
	default:
		c.strange(bind, s, p)
	}
}

// Operation is part of bindpool.OperationOwner: none of them is done. An
// alert_notification (a handset can be reached again) has no answer and helps
// nobody who did not ask for it.
func (w owner) Operation(bind int, s *smpp.Session, p pdu.PDU) {
	if alert, ok := p.(*pdu.AlertNotification); ok {
		w.c.note(bind, "alert_notification", alert.Head(), nil)
		return
	}
	w.c.strange(bind, s, p)
}

// Odd is part of bindpool.OddOwner.
func (w owner) Odd(bind int, err *smpp.OddError) {
	w.c.note(bind, "carrier sent what does not fit", &pdu.Header{ID: err.ID, Status: err.Status, Sequence: err.Sequence}, err.Err)
}
