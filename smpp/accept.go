package smpp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	"bindery/smpp/pdu"
)

// Accept waits for the peer's bind on conn and answers it by authorize (status
// ESME_ROK: bound); the SMSC side of Bind. authorize runs on Accept's goroutine
// and returns the handler of the session; what it returns with another status
// is not used, and Accept's error is a *BindError then. A handler that came with
// ESME_ROK is told Closed in any case, also when the answer could not be
// written: what authorize counted can be counted down there. Before the bind
// only PDUs of at most 1 KiB are read. conn is closed on an error.
func Accept(ctx context.Context, conn net.Conn, cfg Config, authorize func(*pdu.Bind) (pdu.CommandStatus, Handler)) (*Session, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("accept: %w", err)
	}
	s := newSession(conn, cfg, smsc, 1)
	var h Handler
	err = s.handshake(ctx, func() (err error) {
		h, err = s.takeBind(authorize)
		return err
	})
	if err != nil {
		if h != nil {
			h.Closed(s, remote(err))
		}
		return nil, err
	}
	s.start(s.peer.ID, h)
	return s, nil
}

func (s *Session) takeBind(authorize func(*pdu.Bind) (pdu.CommandStatus, Handler)) (Handler, error) {
	bind, err := s.awaitBind()
	if err != nil {
		return nil, fmt.Errorf("read the bind: %w", err)
	}
	status, h := authorize(bind)
	if status != pdu.StatusOK {
		s.say(bind.ID.Response(), status, bind.Sequence)
		return nil, &BindError{Status: status, SystemID: string(bind.SystemID)}
	}
	s.peer, s.peerVersion = bind, bind.InterfaceVersion
	return h, s.welcome(bind)
}

func (s *Session) awaitBind() (*pdu.Bind, error) {
	for {
		frame, err := s.firstFrame()
		if err != nil {
			return nil, s.refuseFraming(err)
		}
		h, _, _ := pdu.ReadHeader(frame, maxUnbound)
		if h.ID.IsResponse() {
			s.stat.Unmatched++
			continue
		}
		if op, _ := matrix(h.ID); op.esme != onlyOpen {
			if err := s.unboundRequest(&h, nil); err != nil {
				return nil, err
			}
			continue
		}
		bind := new(pdu.Bind)
		if err := bind.Decode(slices.Clone(frame)); err != nil {
			s.say(h.ID.Response(), faultStatus(err), h.Sequence)
			return nil, err
		}
		return bind, nil
	}
}

// refuseFraming says why the connection is about to be closed.
func (s *Session) refuseFraming(err error) error {
	if length := (*pdu.LengthError)(nil); errors.As(err, &length) {
		s.say(pdu.CommandGenericNack, pdu.StatusInvCmdLen, 0)
	}
	return err
}

// welcome answers the bind. A peer of version 3.3 gets no TLV (SMPP 3.4 §3.3.2).
func (s *Session) welcome(bind *pdu.Bind) error {
	resp := pdu.BindResp{
		Header:   pdu.Header{ID: bind.ID.Response(), Sequence: bind.Sequence},
		SystemID: []byte(s.cfg.SystemID),
	}
	if bind.InterfaceVersion >= interfaceVersion {
		resp.TLVs = pdu.TLVs{{Tag: pdu.TagSCInterfaceVersion, Value: []byte{interfaceVersion}}}
	}
	buf, err := resp.AppendTo(nil)
	if err != nil {
		return err
	}
	if _, err := s.conn.Write(buf); err != nil {
		return fmt.Errorf("write %v: %w", resp.ID, err)
	}
	return nil
}
