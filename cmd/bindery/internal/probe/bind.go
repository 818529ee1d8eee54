package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

// link is one bound connection, whatever speaks on it.
type link interface {
	// Enquire is one enquire_link and its answer.
	Enquire(ctx context.Context) (time.Duration, error)
	Submit(ctx context.Context, m *message) (submitted, error)
	// Answer answers a delivery of this link.
	Answer(d *delivery, status pdu.CommandStatus)
	Alive() bool
	Unbind(ctx context.Context) error
	Close()
}

// bindInfo is what a bind_resp says.
type bindInfo struct {
	SystemID string
	Version  uint8 // 0: none was named
}

// bindFunc binds over t, which it closes on an error. Deliveries go to the
// inbox.
type bindFunc func(ctx context.Context, t *tap, bind *pdu.Bind, timeout time.Duration, in *inbox) (link, bindInfo, error)

var drivers = map[string]bindFunc{"native": bindNative, "go-smpp": bindGoSMPP}

// open is the way to the nth of the bind's connections.
func (a *attempt) open(ctx context.Context, n int) bool {
	bind := a.o.Link.Binds[n]
	mode := strings.TrimPrefix(bind.ID.String(), "bind_")
	conn, ok := a.dial(ctx, mode)
	if !ok {
		return false
	}
	return a.step("bind", mode, func(s *Step) error {
		t := &tap{Conn: conn, see: a.see}
		l, info, err := drivers[a.o.Driver](ctx, t, &bind, a.o.Timeout, a.inbox)
		if err != nil {
			if refused := (*smpp.BindError)(nil); errors.As(err, &refused) {
				s.Facts = map[string]any{"status": refused.Status.String()}
			}
			return sessionFault(err, bind.ID.String(), t.began())
		}
		a.links = append(a.links, boundLink{l, mode, info})
		s.Detail = fmt.Sprintf("ESME_ROK (0x00), the SMSC is %q, %s", info.SystemID, versionText(info.Version))
		s.Facts = map[string]any{"system_id": info.SystemID, "status": pdu.StatusOK.String()}
		if info.Version != 0 {
			s.Facts["sc_interface_version"] = fmt.Sprintf("0x%02X", info.Version)
		}
		s.Note = versionNote(info.Version)
		return nil
	})
}

func (a *attempt) see(f Frame) {
	if a.o.PDU != nil {
		a.o.PDU(f)
	}
}

func versionText(v uint8) string {
	switch v {
	case 0:
		return "no sc_interface_version"
	case pdu.Version33, pdu.Version34, pdu.Version50:
		return fmt.Sprintf("SMPP %d.%d", v>>4, v&0xF)
	}
	return fmt.Sprintf("sc_interface_version 0x%02X", v)
}

// versionNote is about versions below ours, which get no TLVs (SMPP 3.4 §3.3.2),
// and about those that do not exist.
func versionNote(v uint8) string {
	switch {
	case v == 0, v == pdu.Version34, v == pdu.Version50:
		return ""
	case v == pdu.Version33:
		return "a peer of SMPP 3.3 is sent no TLVs"
	case v < pdu.Version34:
		return fmt.Sprintf("no SMPP has the version 0x%02X; it is below 3.4, so the peer is sent no TLVs", v)
	}
	return fmt.Sprintf("no SMPP has the version 0x%02X; we speak 3.4 with it", v)
}

// enquire measures the round trip.
func (a *attempt) enquire(ctx context.Context, l boundLink) bool {
	return a.step("enquire_link", l.mode, func(s *Step) error {
		var took []time.Duration
		for range a.o.Enquiries {
			each, cancel := a.bounded(ctx)
			d, err := l.Enquire(each)
			cancel()
			if err != nil {
				s.Detail = fmt.Sprintf("%d of %d answered, then: %v", len(took), a.o.Enquiries, err)
				return sessionFault(err, "enquire_link", nil)
			}
			took = append(took, d)
		}
		slices.Sort(took)
		low, mid, high := took[0], took[len(took)/2], took[len(took)-1]
		s.Detail = fmt.Sprintf("%d answered, min %.1f median %.1f max %.1f ms", len(took), milliseconds(low), milliseconds(mid), milliseconds(high))
		s.Facts = map[string]any{"answered": len(took), "min_ms": milliseconds(low), "median_ms": milliseconds(mid), "max_ms": milliseconds(high)}
		return nil
	})
}

// unbind ends what is bound, the transmitter first, after a failure too; a
// connection that is gone has nothing to be unbound.
func (a *attempt) unbind() {
	for _, l := range a.links {
		if !l.Alive() {
			continue
		}
		a.step("unbind", l.mode, func(*Step) error {
			// In order also after a Ctrl-C: the carrier would count the bind on.
			ctx, cancel := context.WithTimeout(context.Background(), a.o.Timeout)
			defer cancel()
			if err := l.Unbind(ctx); err != nil {
				return sessionFault(err, "unbind", nil)
			}
			return nil
		})
	}
}
