package dlr

import (
	"context"
	"time"

	"bindery/internal/redisdb"
	"bindery/queue"
)

// IDForm is how a carrier writes its message ids in one place.
type IDForm uint8

const (
	Auto IDForm = iota
	AsIs
	Hex
	Decimal
)

// Home is one carrier's home in Redis: which carrier id is which part, and the
// receipts that came before their id was known.
type Home struct{}

// HomeOptions are the settings of a carrier's home.
type HomeOptions struct {
	Carrier      string
	Submit       IDForm        // of ids in submit_sm_resp
	Receipt      IDForm        // of ids in receipts
	ReceiptClock time.Duration // default 24 h
}

func NewHome(db *redisdb.DB, o HomeOptions) *Home { panic("skeleton") }

// Correlation is one submit_sm_resp: the carrier's id of a part.
type Correlation struct {
	ID   string
	Part queue.Part
	To   string // the destination; its last 8 digits are kept
}

// Receipt is one delivery receipt, whatever it came by.
type Receipt struct {
	IDs    []string     // as they stand, the surer first (receipted_message_id, then the text's)
	Status queue.Status // StatusEnroute for what is no final
	Code   string       // "045", "" if none
	To     string       // digits of the recipient, "" if not known
	At     time.Time    // when it reached us
}

// Parked is a receipt that waited for its id.
type Parked struct {
	ID      string // as it is parked: handed to Drop
	Part    queue.Part
	Receipt Receipt
}

// Correlate makes ids known and answers the receipts parked under them; they
// stay parked until Drop.
func (h *Home) Correlate(ctx context.Context, cs []Correlation) ([]Parked, error) { panic("skeleton") }

// Found is the answer for one receipt: its part, or parked.
type Found struct {
	Part   queue.Part
	Parked bool
	Full   bool // no room to park: the carrier is asked to repeat it
}

// Find looks each receipt's part up, and parks it in the same step if unknown.
func (h *Home) Find(ctx context.Context, rs []Receipt) ([]Found, error) { panic("skeleton") }

// Look hands out parked receipts whose next look has come and whose id is known.
func (h *Home) Look(ctx context.Context, n int) ([]Parked, error) { panic("skeleton") }

// Drop takes away parked receipts that were finished.
func (h *Home) Drop(ctx context.Context, ps []Parked) error { panic("skeleton") }
