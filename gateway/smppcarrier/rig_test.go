package smppcarrier

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"bindery/gateway/dispatch"
	"bindery/queue"
	"bindery/smpp"
	"bindery/smpp/bindpool"
	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// told is an outcome as a test remembers it.
type told struct {
	Class dispatch.Class
	Code  string
	ID    string
	Late  bool
}

// recorder is a Sink that keeps all and answers receipts when told to.
type recorder struct {
	mu       sync.Mutex
	order    []string // "outcome", "receipt", as they came
	outcomes map[*dispatch.Submission][]told
	receipts []dispatch.Receipt
	inbounds []dispatch.Inbound
	unparsed []dispatch.Unparsed
	store    error // how what comes is answered
	keep     bool  // not answered
}

func (r *recorder) Outcomes(os []dispatch.Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range os {
		o := &os[i]
		r.order = append(r.order, "outcome")
		r.outcomes[o.Submission] = append(r.outcomes[o.Submission], told{o.Class, o.Error.Code, string(o.CarrierID), o.Late})
	}
}

func (r *recorder) answer(a dispatch.Ack) {
	if !r.keep {
		a.To.Stored(a.Token, r.store)
	}
}

func (r *recorder) Receipts(rs []dispatch.Receipt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rc := range rs {
		r.order = append(r.order, "receipt")
		r.receipts = append(r.receipts, rc)
		r.answer(rc.Ack)
	}
}

func (r *recorder) Inbounds(ms []dispatch.Inbound) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range ms {
		r.inbounds = append(r.inbounds, m)
		r.answer(m.Ack)
	}
}

func (r *recorder) Unparsed(us []dispatch.Unparsed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range us {
		r.unparsed = append(r.unparsed, u)
		r.answer(u.Ack)
	}
}

func (r *recorder) of(s *dispatch.Submission) []told {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.outcomes[s])
}

// rig is a carrier that is bound to a simulated SMSC in memory.
type rig struct {
	*Carrier
	t     *testing.T
	sink  *recorder
	smsc  *smsctest.SMSC
	mu    sync.Mutex // guards gate and reply
	gate  bool
	reply []string // deliver_sm_resp and data_sm_resp that the SMSC read, in hex
}

// setup is what a test changes of a rig.
type setup struct {
	cfg     Config
	options smsctest.Options
	window  int // of the session; default 10
	timeout time.Duration
	pair    bool
	binds   int // default 1
	hooks   map[pdu.CommandID]smsctest.Hook
}

func bubble(t *testing.T, s setup, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, sink: &recorder{outcomes: map[*dispatch.Submission][]told{}}, smsc: smsctest.New(s.options), gate: true}
		r.watchReplies()
		for id, hook := range s.hooks {
			r.smsc.On(id, hook)
		}
		cfg := s.cfg
		cfg.Carrier, cfg.Window = "alpha", max(s.window, 1)
		if s.window == 0 {
			cfg.Window = 10
		}
		cfg.Pool.Size = max(s.binds, 1)
		cfg.Source = r.dialer(&s, cfg.Window, pdu.BindTransceiver)
		if s.pair {
			cfg.Source = r.dialer(&s, cfg.Window, pdu.BindTransmitter)
			cfg.Pool.Receiver = r.dialer(&s, cfg.Window, pdu.BindReceiver)
		}
		c, err := New(cfg, r.sink)
		if err != nil {
			t.Fatal(err)
		}
		r.Carrier = c
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { c.Run(ctx); close(ended) }()
		pass(3 * time.Second)
		f(r)
		cancel()
		<-ended
		r.smsc.Close()
	})
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *rig) dialer(s *setup, window int, mode pdu.CommandID) bindpool.Source {
	return &bindpool.Dialer{
		Addresses:   []string{"sim:2775"},
		Bind:        pdu.Bind{Header: pdu.Header{ID: mode}, SystemID: []byte("bindery"), Password: []byte("secret"), InterfaceVersion: pdu.Version34},
		Session:     smpp.Config{Window: window, ResponseTimeout: s.timeout, Gate: r.open},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return r.smsc.Dial(ctx) },
	}
}

func (r *rig) open() bool           { r.mu.Lock(); defer r.mu.Unlock(); return r.gate }
func (r *rig) shut(shut bool)       { r.mu.Lock(); r.gate = !shut; r.mu.Unlock() }
func (r *rig) said() []string       { r.mu.Lock(); defer r.mu.Unlock(); return slices.Clone(r.reply) }
func (r *rig) conn() *smsctest.Conn { return r.smsc.Conns()[0] }

func (r *rig) watchReplies() {
	note := func(_ *smsctest.Conn, p pdu.PDU) smsctest.Action {
		b, err := p.AppendTo(nil)
		if err != nil {
			r.t.Error(err)
		}
		r.mu.Lock()
		r.reply = append(r.reply, hexOf(b))
		r.mu.Unlock()
		return smsctest.Pass()
	}
	for _, id := range []pdu.CommandID{pdu.CommandDeliverSMResp, pdu.CommandDataSMResp, pdu.CommandGenericNack} {
		r.smsc.On(id, note)
	}
}

// text is a submission of a one-part text.
func text(s string) dispatch.Submission {
	return dispatch.Submission{
		Parts: 1, Attempt: 1,
		Message: queue.Message{ID: queue.ID("id " + s), To: "+821000000001", From: "+15551230000", Text: s, Priority: queue.Normal, Parts: 1, ConcatRef: 0x1234},
	}
}

// send submits one and answers its outcomes after some time.
func (r *rig) send(sub dispatch.Submission) []told {
	r.t.Helper()
	subs := []dispatch.Submission{sub}
	r.Submit(subs)
	pass(100 * time.Millisecond)
	return r.sink.of(&subs[0])
}

func (r *rig) wantSettled() {
	r.t.Helper()
	if n := r.Carrier.open.Load(); n != 0 {
		r.t.Errorf("%d submissions still count as open", n)
	}
	if n := r.tokens.open(); n != 0 {
		r.t.Errorf("%d tokens are in use", n)
	}
}

// cases reads one of the fixture files.
func cases[T any](t *testing.T, file string) []T {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var out []T
	for line := range strings.Lines(string(raw)) {
		var c T
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

var errAway = errors.New("redis is away")
