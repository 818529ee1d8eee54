package probe

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	gopdu "github.com/fiorix/go-smpp/smpp/pdu"
	"github.com/fiorix/go-smpp/smpp/pdu/pdufield"
	"github.com/fiorix/go-smpp/smpp/pdu/pdutext"
	"github.com/fiorix/go-smpp/smpp/pdu/pdutlv"

	"bindery/smpp"
	"bindery/smpp/coding"
	"bindery/smpp/pdu"
)

var errPanicked = errors.New("go-smpp panicked")

// goSMPP is a bound connection whose PDUs go-smpp writes and reads. The reader
// owns frames; conn is written with mu held.
type goSMPP struct {
	conn    net.Conn
	frames  *bufio.Reader
	timeout time.Duration
	in      *inbox
	done    chan struct{}

	mu   sync.Mutex // guards what follows
	open map[uint32]chan gopdu.Body
	err  error // why done is closed
}

func bindGoSMPP(ctx context.Context, t *tap, bind *pdu.Bind, timeout time.Duration, in *inbox) (link, bindInfo, error) {
	g := &goSMPP{conn: t, frames: bufio.NewReader(t), timeout: timeout, in: in, done: make(chan struct{}), open: map[uint32]chan gopdu.Body{}}
	// A deadline is the one thing that ends a read of go-smpp.
	_ = t.SetDeadline(time.Now().Add(timeout))
	release := context.AfterFunc(ctx, func() { _ = t.SetDeadline(time.Unix(1, 0)) })
	defer release()
	info, err := g.bind(bind)
	if err == nil {
		err = t.SetDeadline(time.Time{})
	}
	if err != nil {
		t.Close()
		return nil, info, err
	}
	go g.read()
	return g, info, nil
}

func (g *goSMPP) bind(bind *pdu.Bind) (info bindInfo, err error) {
	defer recovered(&err)
	var b gopdu.Body
	switch bind.ID {
	case pdu.CommandBindTransmitter:
		b = gopdu.NewBindTransmitter()
	case pdu.CommandBindReceiver:
		b = gopdu.NewBindReceiver()
	default:
		b = gopdu.NewBindTransceiver()
	}
	if err := set(b, fields{
		pdufield.SystemID: string(bind.SystemID), pdufield.Password: string(bind.Password), pdufield.SystemType: string(bind.SystemType),
		pdufield.InterfaceVersion: bind.InterfaceVersion, pdufield.AddrTON: bind.AddressRange.TON, pdufield.AddrNPI: bind.AddressRange.NPI,
		pdufield.AddressRange: string(bind.AddressRange.Addr),
	}); err != nil {
		return info, err
	}
	if err := g.write(b); err != nil {
		return info, err
	}
	resp, err := g.first(b)
	if err != nil {
		return info, err
	}
	h := resp.Header()
	if status := pdu.CommandStatus(h.Status); status != pdu.StatusOK {
		return info, &smpp.BindError{Status: status, SystemID: string(bind.SystemID)}
	}
	if h.ID != b.Header().ID|0x80000000 {
		return info, &smpp.BindError{Status: pdu.StatusBindFail, SystemID: string(bind.SystemID)} // a nack says no, whatever its status
	}
	info.SystemID = text(resp, pdufield.SystemID)
	if v := resp.TLVFields()[pdutlv.Tag(pdu.TagSCInterfaceVersion)]; v != nil && len(v.Bytes()) == 1 {
		info.Version = v.Bytes()[0]
	}
	return info, nil
}

// first is the answer to the bind; what is asked before it is answered.
func (g *goSMPP) first(b gopdu.Body) (gopdu.Body, error) {
	for heard := false; ; heard = true {
		p, err := g.next()
		if err != nil {
			if length := (*pdu.LengthError)(nil); !heard && errors.As(err, &length) {
				err = fmt.Errorf("%w: %w", smpp.ErrNotSMPP, err)
			}
			return nil, err
		}
		id := p.Header().ID
		if id&0x80000000 != 0 && (p.Header().Seq == b.Header().Seq || id == gopdu.GenericNACKID) {
			return p, nil
		}
		if id == gopdu.UnbindID {
			return nil, smpp.ErrUnbound
		}
		g.request(p)
	}
}

// fields are go-smpp's, by its names.
type fields map[pdufield.Name]any

func set(b gopdu.Body, all fields) error {
	for name, v := range all {
		if err := b.Fields().Set(name, v); err != nil {
			return fmt.Errorf("go-smpp: %s: %w", name, err)
		}
	}
	return nil
}

func text(p gopdu.Body, name pdufield.Name) string {
	if f := p.Fields()[name]; f != nil {
		return f.String()
	}
	return ""
}

// recovered turns a panic of go-smpp into an error.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", errPanicked, r)
	}
}

func (g *goSMPP) write(p gopdu.Body) (err error) {
	defer recovered(&err)
	var b bytes.Buffer
	if err := p.SerializeTo(&b); err != nil {
		return fmt.Errorf("go-smpp: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.conn.SetWriteDeadline(time.Now().Add(g.timeout))
	_, err = g.conn.Write(b.Bytes())
	return err
}

// next reads a PDU. One that go-smpp has no decoder for is skipped: its client
// would end the session there.
func (g *goSMPP) next() (p gopdu.Body, err error) {
	defer recovered(&err)
	for {
		// A length that cannot be is known by its first octets.
		if head, err := g.frames.Peek(4); err != nil {
			return nil, err
		} else if n := binary.BigEndian.Uint32(head); n < pdu.HeaderLen || n > gopdu.MaxSize {
			return nil, &pdu.LengthError{Length: n, Max: gopdu.MaxSize}
		}
		head, err := g.frames.Peek(pdu.HeaderLen)
		if err != nil {
			return nil, err
		}
		h, length, err := pdu.ReadHeader(head, gopdu.MaxSize)
		if err != nil {
			return nil, err
		}
		if known(h.ID) {
			return gopdu.Decode(g.frames)
		}
		if _, err := g.frames.Discard(length); err != nil {
			return nil, err
		}
		nack := gopdu.NewGenericNACK()
		nack.Header().Seq, nack.Header().Status = h.Sequence, gopdu.Status(pdu.StatusInvCmdID)
		if !h.ID.IsResponse() {
			if err := g.write(nack); err != nil {
				return nil, err
			}
		}
	}
}

// known are the PDUs of a carrier that go-smpp decodes.
func known(id pdu.CommandID) bool {
	switch id {
	case pdu.CommandGenericNack, pdu.CommandBindReceiverResp, pdu.CommandBindTransmitterResp, pdu.CommandBindTransceiverResp,
		pdu.CommandSubmitSMResp, pdu.CommandDeliverSM, pdu.CommandEnquireLink, pdu.CommandEnquireLinkResp, pdu.CommandUnbind, pdu.CommandUnbindResp:
		return true
	}
	return false
}

// read is the reader's goroutine.
func (g *goSMPP) read() {
	defer close(g.done)
	for {
		p, err := g.next()
		if err == nil {
			err = g.take(p)
		}
		if err != nil {
			g.mu.Lock()
			g.err = err
			g.mu.Unlock()
			g.conn.Close()
			return
		}
	}
}

func (g *goSMPP) take(p gopdu.Body) (err error) {
	defer recovered(&err)
	h := p.Header()
	if h.ID&0x80000000 == 0 {
		return g.request(p)
	}
	g.mu.Lock()
	waits := g.open[h.Seq]
	delete(g.open, h.Seq)
	g.mu.Unlock()
	if waits != nil {
		waits <- p // cap 1, and no longer in open
	}
	return nil
}

func (g *goSMPP) request(p gopdu.Body) error {
	switch h := p.Header(); h.ID {
	case gopdu.EnquireLinkID:
		return g.write(gopdu.NewEnquireLinkRespSeq(h.Seq))
	case gopdu.UnbindID:
		r := gopdu.NewUnbindResp()
		r.Header().Seq = h.Seq
		_ = g.write(r) // it is over either way
		return smpp.ErrUnbound
	case gopdu.DeliverSMID:
		g.in.put(g.delivery(p))
	}
	return nil
}

func (g *goSMPP) delivery(p gopdu.Body) *delivery {
	d := &delivery{link: g, id: pdu.CommandDeliverSM, sequence: p.Header().Seq, from: digits([]byte(text(p, pdufield.SourceAddr)))}
	if f := p.Fields()[pdufield.ESMClass]; f != nil {
		d.notice.ESMClass = f.Bytes()[0]
	}
	if f := p.Fields()[pdufield.ShortMessage]; f != nil {
		d.notice.Octets = f.Bytes()
	}
	tlv := func(tag pdu.Tag) []byte {
		if f := p.TLVFields()[pdutlv.Tag(tag)]; f != nil {
			return f.Bytes()
		}
		return nil
	}
	if len(d.notice.Octets) == 0 {
		d.notice.Octets = tlv(pdu.TagMessagePayload)
	}
	d.notice.MessageID = tlv(pdu.TagReceiptedMessageID)
	if state := tlv(pdu.TagMessageState); len(state) == 1 {
		d.notice.State, d.notice.HasState = state[0], true
	}
	return d
}

// ask writes a request and waits for its answer.
func (g *goSMPP) ask(ctx context.Context, p gopdu.Body) (gopdu.Body, time.Duration, error) {
	answer, seq := make(chan gopdu.Body, 1), p.Header().Seq
	g.mu.Lock()
	g.open[seq] = answer
	g.mu.Unlock()
	began := time.Now()
	if err := g.write(p); err != nil {
		return nil, 0, g.ended(err)
	}
	select {
	case resp := <-answer:
		return resp, time.Since(began), nil
	case <-g.done:
		select {
		case resp := <-answer: // came just before the end
			return resp, time.Since(began), nil
		default:
			return nil, 0, g.ended(net.ErrClosed)
		}
	case <-ctx.Done():
		g.mu.Lock()
		delete(g.open, seq)
		g.mu.Unlock()
		return nil, 0, ctx.Err()
	}
}

// ended prefers why the reader is gone, when it is.
func (g *goSMPP) ended(err error) error {
	select {
	case <-g.done:
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.err
	default:
		return err
	}
}

func (g *goSMPP) Enquire(ctx context.Context) (time.Duration, error) {
	_, took, err := g.ask(ctx, gopdu.NewEnquireLink())
	return took, err
}

func (g *goSMPP) Submit(ctx context.Context, m *message) (submitted, error) {
	p, err := submitGoSMPP(m)
	if err != nil {
		return submitted{}, err
	}
	resp, took, err := g.ask(ctx, p)
	if err != nil {
		return submitted{}, err
	}
	s := submitted{status: pdu.CommandStatus(resp.Header().Status), took: took, id: text(resp, pdufield.MessageID)}
	if resp.Header().ID != gopdu.SubmitSMRespID && s.status == pdu.StatusOK {
		s.status = pdu.StatusSysErr // as in native.Result
	}
	return s, nil
}

// submitGoSMPP has go-smpp write the message, and its text too where go-smpp
// has the encoding: it would send what is not in its GSM table as raw UTF-8,
// but our plan says that the text fits.
func submitGoSMPP(m *message) (p gopdu.Body, err error) {
	defer recovered(&err)
	tlvs := pdutlv.Fields{}
	for _, t := range m.pdu.TLVs {
		tlvs[pdutlv.Tag(t.Tag)] = t.Value
	}
	p = gopdu.NewSubmitSM(tlvs)
	var sm any = pdutext.Raw(m.pdu.ShortMessage)
	switch m.plan.Encoding {
	case coding.GSM7:
		sm = pdutext.GSM7(m.text)
	case coding.UCS2:
		sm = pdutext.UCS2(m.text)
	}
	if m.plan.Payload {
		sm = pdutext.Raw(nil)
	}
	if err := p.Fields().Set(pdufield.ShortMessage, sm); err != nil {
		return nil, fmt.Errorf("go-smpp: %w", err)
	}
	s := m.pdu
	return p, set(p, fields{
		pdufield.ServiceType:   string(s.ServiceType),
		pdufield.SourceAddrTON: s.Source.TON, pdufield.SourceAddrNPI: s.Source.NPI, pdufield.SourceAddr: string(s.Source.Addr),
		pdufield.DestAddrTON: s.Destination.TON, pdufield.DestAddrNPI: s.Destination.NPI, pdufield.DestinationAddr: string(s.Destination.Addr),
		pdufield.ESMClass: s.ESMClass, pdufield.ProtocolID: s.ProtocolID, pdufield.PriorityFlag: s.PriorityFlag,
		pdufield.RegisteredDelivery: s.RegisteredDelivery, pdufield.DataCoding: s.DataCoding,
	})
}

func (g *goSMPP) Answer(d *delivery, status pdu.CommandStatus) {
	r := gopdu.NewDeliverSMRespSeq(d.sequence)
	r.Header().Status = gopdu.Status(status)
	_ = g.write(r) // on a connection that is gone the carrier repeats it anyway
}

func (g *goSMPP) Alive() bool {
	select {
	case <-g.done:
		return false
	default:
		return true
	}
}

func (g *goSMPP) Unbind(ctx context.Context) error {
	_, _, err := g.ask(ctx, gopdu.NewUnbind())
	return err
}

func (g *goSMPP) Close() {
	g.conn.Close()
	<-g.done
}
