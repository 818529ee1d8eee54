package probe

import (
	"context"
	"fmt"
	"sync"

	"bindery/dlr"
	"bindery/smpp/pdu"
)

// delivery is a deliver_sm or data_sm of the carrier; it aliases nothing.
type delivery struct {
	link     link
	id       pdu.CommandID
	sequence uint32
	notice   dlr.Notice
	from     string // digits; of a receipt the recipient's
}

// deliveryStatus asks the carrier to repeat it elsewhere: the one status of
// deliver_sm_resp that does (SMPP 3.4 §5.1.3).
const deliveryStatus = pdu.StatusXTAppn

// inbox is where deliveries meet who waits for a receipt. Until expect is called
// every delivery is refused at once.
type inbox struct {
	mu      sync.Mutex // guards what follows
	wanted  bool
	waiting []*delivery
	refused int
	came    chan struct{} // cap 1
}

func newInbox() *inbox { return &inbox{came: make(chan struct{}, 1)} }

// expect keeps deliveries from now on: a receipt may overtake its response.
func (in *inbox) expect() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.wanted = true
}

// put never blocks.
func (in *inbox) put(d *delivery) {
	in.mu.Lock()
	keep := in.wanted
	if keep {
		in.waiting = append(in.waiting, d)
	} else {
		in.refused++
	}
	in.mu.Unlock()
	if !keep {
		d.link.Answer(d, deliveryStatus)
		return
	}
	select {
	case in.came <- struct{}{}:
	default:
	}
}

// next waits for a delivery.
func (in *inbox) next(ctx context.Context) (*delivery, error) {
	for {
		in.mu.Lock()
		if len(in.waiting) > 0 {
			d := in.waiting[0]
			in.waiting = in.waiting[1:]
			in.mu.Unlock()
			return d, nil
		}
		in.mu.Unlock()
		select {
		case <-in.came:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// refuse hands a delivery back to the carrier.
func (in *inbox) refuse(d *delivery) {
	in.mu.Lock()
	in.refused++
	in.mu.Unlock()
	d.link.Answer(d, deliveryStatus)
}

// close refuses what waits and what comes.
func (in *inbox) close() {
	in.mu.Lock()
	in.wanted = false
	rest := in.waiting
	in.waiting = nil
	in.mu.Unlock()
	for _, d := range rest {
		in.refuse(d)
	}
}

// foreign counts what was handed back.
func (in *inbox) foreign() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.refused
}

func foreignNote(n int) string {
	return fmt.Sprintf("%d deliveries that were not the probe's were answered ESME_RX_T_APPN, so that the carrier repeats them to the gateway", n)
}
