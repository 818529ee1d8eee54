package dlr

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	epochSeconds = 28800 // of Redis' time; the ids of an epoch are one hash. As in lua/

	// When the hash of an epoch that nobody lists goes: by then its ids have
	// outlived every receipt clock, should it be listed after all.
	unlistedEpochs = 4
	unlistedClock  = 7 * 24 * time.Hour

	// Calls by the script alone after Redis refused a transaction: it is full,
	// or older than 7, or the user may not.
	refusalRest = 100
)

// epoch is where this process believes that ids are written now, and whether
// Redis takes them without a script.
type epoch struct {
	ahead atomic.Int64 // Redis' clock less ours, s, as the last transaction told
	rest  atomic.Int32 // calls for which no transaction is tried
}

func (h *Home) idsOf(epoch string) string {
	return strings.TrimSuffix(h.state, "state") + "ids:" + epoch
}

// write makes ids known as the script correlate does, in a transaction instead:
// there each octet of an id and of its part would cost Redis more than writing
// it. fields are the ids, each with what it names, behind room for two. It
// answers whether receipts are parked at all; !ok: the script is to be called,
// whatever came of it. ok is the script's own promise: the ids are in the epoch
// that Redis' clock says, and that is listed with a receipt clock of ours at least.
//
// The epoch is reckoned from how far ahead Redis' clock was at the last answer (at
// first: not at all) and is held against Redis' clock in the same step. So a wrong
// belief (a clock was set, another Redis took over) costs a call of the script,
// which writes the ids to the true epoch. What lies in the wrong one then names
// the same parts: if it is listed it is forgotten or retired as ever, at worst in
// place of an older part of that id; else nobody looks there, and it expires.
func (h *Home) write(ctx context.Context, fields []any) (parked, ok bool) {
	if h.epoch.rest.Load() > 0 {
		h.epoch.rest.Add(-1)
		return false, false
	}
	epoch := (h.o.Now().Unix() + h.epoch.ahead.Load()) / epochSeconds
	name := strconv.FormatInt(epoch, 10)
	key := h.idsOf(name)
	fields[0], fields[1] = "hset", key
	goes := (epoch+unlistedEpochs)*epochSeconds*1000 + max(h.o.ReceiptClock, unlistedClock).Milliseconds()

	pipe := h.db.TxPipeline()
	set := pipe.Do(ctx, fields...)
	// Ours is the hash's expiry only until the script that lists it sets one.
	expire := pipe.Do(ctx, "pexpireat", key, goes, "nx")
	epochs := pipe.HGet(ctx, h.state, "epochs")
	early := pipe.Exists(ctx, h.early)
	now := pipe.Time(ctx)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		var refused redis.Error
		if errors.As(err, &refused) {
			h.epoch.rest.Store(refusalRest)
		}
		return false, false
	}
	if err := errors.Join(set.Err(), expire.Err(), early.Err(), now.Err()); err != nil {
		return false, false
	}
	h.epoch.ahead.Store(now.Val().Unix() - h.o.Now().Unix())
	listed := epochs.Err() == nil && lists(epochs.Val(), name, h.o.ReceiptClock)
	return early.Val() > 0, listed && now.Val().Unix()/epochSeconds == epoch
}

// lists tells whether the list of epochs has this one, with a clock of at least
// so much.
func lists(epochs, name string, clock time.Duration) bool {
	for entry := range strings.FieldsSeq(epochs) {
		if e, c, _ := strings.Cut(entry, ":"); e == name {
			ms, err := strconv.ParseInt(c, 10, 64)
			return err == nil && ms >= clock.Milliseconds()
		}
	}
	return false
}
