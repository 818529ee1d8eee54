package smpp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"bindery/smpp/pdu"
)

// interfaceVersion is what we speak and say (SMPP 3.4 §5.2.4).
const interfaceVersion = 0x34

// maxUnbound is the largest PDU taken before the bind, in octets.
const maxUnbound = 1024

// Bind sends bind over conn and returns a bound session of the ESME side. The
// context bounds connection and bind only. conn is closed on an error, which
// is a *BindError when the peer refused. An interface_version of 0 is sent as
// 0x34; bind itself is not changed.
func Bind(ctx context.Context, conn net.Conn, bind *pdu.Bind, cfg Config, h Handler) (*Session, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("bind: %w", err)
	}
	own := *bind
	own.Sequence, own.Status = 1, pdu.StatusOK
	if own.InterfaceVersion == 0 {
		own.InterfaceVersion = interfaceVersion
	}
	s := newSession(conn, cfg, esme, own.Sequence+1)
	err = s.handshake(ctx, func() error { return s.bindTo(&own) })
	if err != nil {
		return nil, err
	}
	s.start(own.ID, h)
	return s, nil
}

// handshake runs f within the context and Config.BindTimeout, and closes the
// connection when it fails.
func (s *Session) handshake(ctx context.Context, f func() error) error {
	tune(s.conn, s.cfg)
	s.conn.SetDeadline(time.Now().Add(s.cfg.BindTimeout))
	release := context.AfterFunc(ctx, func() { s.conn.SetDeadline(longAgo) })
	err := f()
	if !release() {
		err = context.Cause(ctx)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("not bound within %v: %w", s.cfg.BindTimeout, err)
	}
	if err == nil {
		err = s.conn.SetDeadline(time.Time{})
	}
	if err != nil {
		closeAtOnce(s.conn)
	}
	return err
}

func (s *Session) bindTo(bind *pdu.Bind) error {
	buf, err := bind.AppendTo(nil)
	if err != nil {
		return err
	}
	if _, err := s.conn.Write(buf); err != nil {
		return fmt.Errorf("write %v: %w", bind.ID, err)
	}
	for {
		frame, err := s.firstFrame()
		if err != nil {
			return fmt.Errorf("read the answer to %v: %w", bind.ID, err)
		}
		p, err := s.in.decoder.Decode(frame)
		h := p.Head()
		switch {
		case !h.ID.IsResponse():
			if err := s.unboundRequest(h, err); err != nil {
				return err
			}
		case !answersBind(bind, h):
			s.stat.Unmatched++
		case h.Status != pdu.StatusOK || h.ID == pdu.CommandGenericNack:
			return &BindError{Status: refusal(h), SystemID: string(bind.SystemID)}
		default:
			s.noteBindResp(p, err)
			return nil
		}
	}
}

// answersBind matches as for any request, and takes a generic_nack of sequence
// 0 too: nothing else of ours can be meant.
func answersBind(bind *pdu.Bind, h *pdu.Header) bool {
	if h.ID == pdu.CommandGenericNack {
		return h.Sequence == bind.Sequence || h.Sequence == 0
	}
	return h.Sequence == bind.Sequence && h.ID == bind.ID.Response()
}

// refusal is the status of a refused bind; a nack says no even with status 0.
func refusal(h *pdu.Header) pdu.CommandStatus {
	if h.Status == pdu.StatusOK {
		return pdu.StatusBindFail
	}
	return h.Status
}

// noteBindResp keeps the peer's version. A status of 0 is a bound session even
// when the body behind it does not decode.
func (s *Session) noteBindResp(p pdu.PDU, err error) {
	if err != nil {
		s.stat.Undecodable++
		return
	}
	if resp, ok := p.(*pdu.BindResp); ok {
		s.peerVersion, _ = resp.InterfaceVersion()
	}
}

// firstFrame is the next PDU of a connection that is not bound. Lengths that
// cannot be before any PDU was read are those of another protocol.
func (s *Session) firstFrame() ([]byte, error) {
	frame, err := s.in.frames.Next()
	if length := (*pdu.LengthError)(nil); errors.As(err, &length) && s.stat.PDUsIn == 0 {
		return nil, fmt.Errorf("%w: %w", ErrNotSMPP, err)
	}
	if err == nil {
		s.stat.PDUsIn++
	}
	return frame, err
}

// unboundRequest answers what a peer asks before the bind is done.
func (s *Session) unboundRequest(h *pdu.Header, err error) error {
	op, known := matrix(h.ID)
	switch {
	case h.ID == pdu.CommandEnquireLink:
		return s.say(pdu.CommandEnquireLinkResp, pdu.StatusOK, h.Sequence)
	case h.ID == pdu.CommandUnbind:
		s.say(pdu.CommandUnbindResp, pdu.StatusOK, h.Sequence)
		return remote(ErrUnbound)
	case !known:
		return s.say(pdu.CommandGenericNack, pdu.StatusInvCmdID, h.Sequence)
	case op.silent:
		return nil
	case err != nil:
		return s.say(h.ID.Response(), faultStatus(err), h.Sequence)
	}
	return s.say(h.ID.Response(), pdu.StatusInvBndSts, h.Sequence)
}

// say writes a PDU without a body, before there is a writer.
func (s *Session) say(id pdu.CommandID, status pdu.CommandStatus, seq uint32) error {
	if _, err := s.conn.Write(appendHeader(nil, id, status, seq)); err != nil {
		return fmt.Errorf("write %v: %w", id, err)
	}
	return nil
}
