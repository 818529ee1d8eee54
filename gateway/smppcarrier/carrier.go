package smppcarrier

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"bindery/gateway/dispatch"
	"bindery/smpp"
	"bindery/smpp/bindpool"
)

var _ dispatch.Connector = (*Carrier)(nil)

var errNoBind = bindpool.ErrNoBind

// Carrier is the SMPP connector of one carrier.
type Carrier struct {
	cfg  Config
	sink dispatch.Sink

	pool  atomic.Pointer[bindpool.Pool] // nil before Run
	size  atomic.Int32                  // binds wanted
	ended chan struct{}                 // closed by Stop
	stop  sync.Once

	freed  chan struct{}
	open   atomic.Int64 // submissions whose outcome was not told
	mayTLV atomic.Bool  // no bound peer says that it is older than 3.4

	out      scratch // Submit's
	outcomes []dispatch.Outcome

	tokens tokens
	acks   acks
	full   fullness
	odd    oddities
	errors sync.Map // command_status -> queue.Error

	links struct {
		sync.RWMutex // guards list, which only grows
		list         []*link
	}
}

// New returns a connector that tells sink; it does nothing before Run.
func New(cfg Config, sink dispatch.Sink) (*Carrier, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if sink == nil {
		return nil, errors.New("smppcarrier: " + cfg.Carrier + ": no sink")
	}
	c := &Carrier{cfg: cfg.withDefaults(), sink: sink, freed: make(chan struct{}, 1), ended: make(chan struct{})}
	c.mayTLV.Store(!cfg.NoTLVs)
	c.size.Store(int32(cfg.Pool.Size))
	return c, nil
}

// Run keeps the binds up until Stop, or cuts them when ctx is over.
func (c *Carrier) Run(ctx context.Context) error {
	cfg := c.cfg.Pool
	cfg.Size = 0
	if cfg.Receiver != nil {
		cfg.Receiver = source{cfg.Receiver, c}
	}
	pool, err := bindpool.New(source{c.cfg.Source, c}, cfg, owner{c})
	if err != nil {
		return err
	}
	c.pool.Store(pool)
	pool.SetSize(int(c.size.Load()))
	select {
	case <-ctx.Done():
	case <-c.ended: // the pool is closed, unless Stop came before there was one
	}
	if err := pool.Close(ctx); err != nil {
		return err
	}
	return nil
}

// Stop unbinds: windows drain until ctx is nearly over, what is unanswered then
// is told as uncertain. It returns when every submission has its outcome.
func (c *Carrier) Stop(ctx context.Context) error {
	var err error
	if pool := c.pool.Load(); pool != nil {
		err = pool.Close(ctx)
	}
	c.stop.Do(func() { close(c.ended) })
	return err
}

// SetBinds changes how many binds are kept.
func (c *Carrier) SetBinds(n int) {
	c.size.Store(int32(n))
	if pool := c.pool.Load(); pool != nil {
		pool.SetSize(n)
	}
}

// Snapshot shows the binds, by number.
func (c *Carrier) Snapshot() []bindpool.BindState {
	if pool := c.pool.Load(); pool != nil {
		return pool.Binds()
	}
	return nil
}

// Window is part of dispatch.Connector.
func (c *Carrier) Window() int {
	if pool := c.pool.Load(); pool != nil {
		return pool.Up() * c.cfg.Window
	}
	return 0
}

// Slots is part of dispatch.Connector.
func (c *Carrier) Slots() int {
	pool := c.pool.Load()
	if pool == nil {
		return 0
	}
	return max(0, min(pool.Free(), pool.Up()*c.cfg.Window-int(c.open.Load())))
}

// Freed is part of dispatch.Connector.
func (c *Carrier) Freed() <-chan struct{} { return c.freed }

func (c *Carrier) tellFreed() {
	select {
	case c.freed <- struct{}{}:
	default:
	}
}

// Submit is part of dispatch.Connector. It belongs to one goroutine.
func (c *Carrier) Submit(subs []dispatch.Submission) {
	c.open.Add(int64(len(subs)))
	now := time.Now()
	c.outcomes = c.outcomes[:0]
	for i := range subs {
		if err := c.submit(&subs[i], now); err != nil {
			c.refused(&subs[i], err)
		}
	}
	if n := len(c.outcomes); n > 0 {
		c.sink.Outcomes(c.outcomes)
		clear(c.outcomes)
		c.open.Add(int64(-n))
		c.tellFreed()
	}
}

func (c *Carrier) submit(sub *dispatch.Submission, now time.Time) error {
	pool := c.pool.Load()
	if pool == nil {
		return errNoBind
	}
	if err := c.encode(sub, now); err != nil {
		return err
	}
	token := c.tokens.take(sub)
	if _, err := pool.Submit(&c.out.pdu, token); err != nil {
		c.tokens.drop(token)
		return err
	}
	return nil
}

func (c *Carrier) refused(sub *dispatch.Submission, err error) {
	o := dispatch.Outcome{Submission: sub, Class: dispatch.ClassUnsent}
	if !unsent(err) {
		refusal(&o, err)
	}
	if o.Class == dispatch.ClassPermanent {
		c.cfg.Log.Warn().Str("carrier", c.cfg.Carrier).Str("msg_id", string(sub.Message.ID)).Err(err).Msg("part cannot be sent")
	}
	c.outcomes = append(c.outcomes, o)
}

// Stored is part of dispatch.Ack's contract: it answers a request once what it
// brought is stored, or asks the carrier to repeat it.
func (c *Carrier) Stored(token uint64, err error) {
	status := ackOK
	if err != nil {
		status = ackRepeat
	}
	if err := c.acks.answer(token, status); err != nil && !errors.Is(err, smpp.ErrClosing) {
		c.cfg.Log.Warn().Str("carrier", c.cfg.Carrier).Err(err).Msg("request could not be answered")
	}
}

// source opens sessions and learns what their peers say of themselves.
type source struct {
	bindpool.Source
	c *Carrier
}

// Open is part of bindpool.Source.
func (s source) Open(ctx context.Context, h smpp.Handler) (*smpp.Session, error) {
	session, err := s.Source.Open(ctx, h)
	if err == nil && !s.c.cfg.NoTLVs {
		// All sessions of a carrier reach the same kind of peer; the last one
		// bound tells for all.
		s.c.mayTLV.Store(mayTLV(session.PeerVersion()))
	}
	return session, err
}
