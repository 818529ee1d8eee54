package smpp_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	gosmpp "github.com/fiorix/go-smpp/smpp"
	gopdu "github.com/fiorix/go-smpp/smpp/pdu"
	"github.com/fiorix/go-smpp/smpp/pdu/pdufield"
	"github.com/fiorix/go-smpp/smpp/pdu/pdutext"

	"bindery/smpp"
	"bindery/smpp/coding"
	"bindery/smpp/pdu"
)

// carrierSide is our listener as an SMSC: it takes what is submitted and reports it
// delivered to whichever session of it receives.
type carrierSide struct {
	profile coding.Profile // how the texts are read

	mu       sync.Mutex // guards what follows
	sessions []*smpp.Session
	modes    []pdu.CommandID
	texts    []string
	acks     int
	ends     []error
	turned   chan struct{} // cap 1: something changed
	all      sync.WaitGroup
}

// carrierListening answers the address of an carrierSide whose sessions have cfg.
func carrierListening(t *testing.T, cfg smpp.Config, profile ...coding.Profile) (*carrierSide, string) {
	t.Helper()
	side := &carrierSide{turned: make(chan struct{}, 1)}
	if len(profile) > 0 {
		side.profile = profile[0]
	}
	l, err := smpp.NewListener(smpp.ListenerConfig{Session: cfg, Authorize: func(_ net.Addr, b *pdu.Bind) (pdu.CommandStatus, smpp.Handler) {
		if string(b.Password) != "secret" {
			return pdu.StatusInvPaswd, nil
		}
		side.all.Add(1)
		return pdu.StatusOK, &carrierSession{side: side, mode: b.ID}
	}})
	if err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { defer close(served); l.Serve(socket) }()
	t.Cleanup(func() {
		l.Close()
		<-served
		for _, s := range side.bound() {
			s.Close()
		}
		side.all.Wait()
	})
	return side, socket.Addr().String()
}

func (side *carrierSide) note(f func()) {
	side.mu.Lock()
	f()
	side.mu.Unlock()
	select {
	case side.turned <- struct{}{}:
	default:
	}
}

func (side *carrierSide) bound() []*smpp.Session {
	side.mu.Lock()
	defer side.mu.Unlock()
	return append([]*smpp.Session(nil), side.sessions...)
}

// until waits for ok, which is asked with mu held.
func (side *carrierSide) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond) // timers of a session tell nobody
	defer tick.Stop()
	for {
		side.mu.Lock()
		done := ok()
		side.mu.Unlock()
		if done {
			return
		}
		select {
		case <-side.turned:
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited 20 s for: %s", what)
		}
	}
}

// carrierSession is the Handler of one session.
type carrierSession struct {
	side *carrierSide
	mode pdu.CommandID
}

func (h *carrierSession) Bound(s *smpp.Session) {
	h.side.note(func() { h.side.sessions, h.side.modes = append(h.side.sessions, s), append(h.side.modes, h.mode) })
}

func (h *carrierSession) Request(s *smpp.Session, p pdu.PDU) {
	sm, ok := p.(*pdu.SubmitSM)
	if !ok {
		s.Respond(&pdu.GenericNack{Header: pdu.Header{Status: pdu.StatusInvCmdID, Sequence: p.Head().Sequence}})
		return
	}
	fragment, err := coding.ParseFragment(sm.Payload(), sm.DataCoding, sm.ESMClass)
	text := ""
	if err == nil {
		text, err = h.side.profile.Decode(fragment.Body, fragment.DataCoding)
	}
	if err != nil {
		text = fmt.Sprintf("cannot be read: %v", err)
	}
	h.side.mu.Lock()
	h.side.texts = append(h.side.texts, text)
	id := fmt.Sprintf("%X", 0xabc000+len(h.side.texts))
	sessions, modes := h.side.sessions, h.side.modes
	h.side.mu.Unlock()
	s.Respond(&pdu.SubmitSMResp{Header: pdu.Header{Sequence: sm.Sequence}, MessageID: []byte(id)})
	for i, receiver := range sessions {
		if modes[i] == pdu.BindTransmitter {
			continue
		}
		receiver.Submit(&pdu.DeliverSM{
			Source: sm.Destination, Destination: sm.Source, ESMClass: 4,
			ShortMessage: []byte("id:" + id + " sub:001 dlvrd:001 submit date:2611250900 done date:2611250901 stat:DELIVRD err:000 text:"),
		}, 0)
		return
	}
}

func (h *carrierSession) Result(_ *smpp.Session, r smpp.Result) {
	h.side.note(func() {
		if r.Resp != nil && r.Resp.Head().Status == pdu.StatusOK {
			h.side.acks++
		}
	})
}

func (h *carrierSession) Idle(*smpp.Session) {}

func (h *carrierSession) Closed(_ *smpp.Session, err error) {
	h.side.note(func() { h.side.ends = append(h.side.ends, err) })
	h.side.all.Done()
}

// foreignTexts are one part each.
var foreignTexts = []string{
	"plain", strings.Repeat("0123456789", 16), "Price €5 [ok] {} ~^|", strings.Repeat("가", 70), "안녕하세요 🚚",
}

// goSMPPClient is what its three clients have in common.
type goSMPPClient interface {
	Bind() <-chan gosmpp.ConnStatus
	Close() error
}

func connected(t *testing.T, c goSMPPClient) {
	t.Helper()
	if st := <-c.Bind(); st.Status() != gosmpp.Connected {
		t.Fatalf("bind: %v %v", st.Status(), st.Error())
	}
}

// apart moves go-smpp's numbers away from ours: they are one counter of the
// whole process, and it matches what comes by number alone, so a deliver_sm of
// ours with the number of an open submit_sm would be taken for its response,
// and both lost.
func apart() {
	for range 10_000 {
		gopdu.NewEnquireLink()
	}
}

// TestGoSMPPClients: its transceiver, and its transmitter and receiver, bind to
// our listener, submit, get receipts, answer our enquire_links, and unbind.
//
// Seen in go-smpp on the way:
//   - it sends a text that is not in its alphabet as raw UTF-8 with data_coding
//     0, so the caller has to choose UCS2 by itself;
//   - Close waits for the unbind_resp on the channel that another goroutine
//     reads too, so it often waits its whole second for nothing;
//   - a Receiver without a Handler reads nothing any more from the first
//     deliver_sm on: neither that nor enquire_link is answered;
//   - interface_version cannot be set, and the bind_resp is thrown away.
func TestGoSMPPClients(t *testing.T) {
	for _, pair := range []bool{false, true} {
		t.Run(map[bool]string{false: "transceiver", true: "transmitter and receiver"}[pair], func(t *testing.T) {
			side, address := carrierListening(t, smpp.Config{EnquireLink: 50 * time.Millisecond})
			apart()
			receipts := make(chan string, 100)
			handler := func(p gopdu.Body) {
				if p.Header().ID == gopdu.DeliverSMID {
					receipts <- p.Fields()[pdufield.ShortMessage].String()
				}
			}
			tx := &gosmpp.Transmitter{Addr: address, User: "go-smpp", Passwd: "secret", RespTimeout: 10 * time.Second}
			clients := []goSMPPClient{tx, &gosmpp.Receiver{Addr: address, User: "go-smpp", Passwd: "secret", Handler: handler}}
			submit := tx.Submit
			if !pair {
				trx := &gosmpp.Transceiver{Addr: address, User: "go-smpp", Passwd: "secret", RespTimeout: 10 * time.Second, Handler: handler}
				clients, submit = []goSMPPClient{trx}, trx.Submit
			}
			for _, c := range clients {
				connected(t, c)
			}
			for _, text := range foreignTexts {
				var codec pdutext.Codec = pdutext.GSM7(text)
				if strings.ContainsRune(text, '가') || strings.ContainsRune(text, '안') {
					codec = pdutext.UCS2(text)
				}
				sm, err := submit(&gosmpp.ShortMessage{Src: "1544", Dst: "821012345678", DestAddrTON: 1, DestAddrNPI: 1, Text: codec, Register: pdufield.FinalDeliveryReceipt})
				if err != nil {
					t.Fatalf("%q: %v", text, err)
				}
				if r := <-receipts; sm.RespID() == "" || !strings.HasPrefix(r, "id:"+sm.RespID()+" ") {
					t.Errorf("id %q, receipt %q", sm.RespID(), r)
				}
			}
			side.until(t, "its deliver_sm_resp, and three enquire_links answered", func() bool {
				for _, s := range side.sessions {
					if s.Stat().Enquiries < 3 {
						return false
					}
				}
				return side.acks == len(foreignTexts)
			})
			for _, c := range clients {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}
			side.until(t, "the sessions end", func() bool { return len(side.ends) == len(clients) })
			for _, err := range side.ends {
				if !errors.Is(err, smpp.ErrUnbound) {
					t.Errorf("ended: %v, want unbound", err)
				}
			}
			if got := strings.Join(side.texts, "\n"); got != strings.Join(foreignTexts, "\n") {
				t.Errorf("we read\n%s", got)
			}
			for _, s := range side.sessions {
				if st := s.Stat(); st.Undecodable+st.Unmatched+st.UnknownCommands+st.WrongState != 0 {
					t.Errorf("%+v", st)
				}
			}
		})
	}
}

// TestGoSMPPEnquires: it asks every ten seconds, whatever less is set.
func TestGoSMPPEnquires(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: ten seconds")
	}
	t.Parallel()
	side, address := carrierListening(t, smpp.Config{EnquireLink: -1})
	c := &gosmpp.Transceiver{Addr: address, User: "go-smpp", Passwd: "secret", EnquireLink: time.Millisecond}
	connected(t, c)
	before := side.bound()[0].Stat().OctetsOut
	side.until(t, "its enquire_link is answered", func() bool { return side.sessions[0].Stat().OctetsOut >= before+pdu.HeaderLen })
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// TestGoSMPPIsUnbound: it does not answer an unbind of ours, so the time for one
// bounds the session. Afterwards it would bind again, and while it does its own
// goroutines race (client.inbox is replaced under its reader, seen by -race):
// here it is given no time for that.
func TestGoSMPPIsUnbound(t *testing.T) {
	side, address := carrierListening(t, smpp.Config{UnbindTimeout: 300 * time.Millisecond})
	apart()
	c := &gosmpp.Transceiver{Addr: address, User: "go-smpp", Passwd: "secret", BindInterval: time.Hour}
	connected(t, c)
	if err := side.bound()[0].Unbind(t.Context()); !errors.Is(err, smpp.ErrTimeout) {
		t.Errorf("unbind: %v, want a time-out", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestGoSMPPIsRefused(t *testing.T) {
	_, address := carrierListening(t, smpp.Config{})
	c := &gosmpp.Transceiver{Addr: address, User: "go-smpp", Passwd: "wrong"}
	if st := <-c.Bind(); st.Status() != gosmpp.BindFailed || st.Error() != gopdu.Status(pdu.StatusInvPaswd) {
		t.Errorf("%v %v", st.Status(), st.Error())
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// npmLine is what scripts/interop/esme.js says.
type npmLine struct {
	Bind, Smsc, Submit, Receipt, On, Asked, Error string
	Status, Alive, Unbound, Version               *int
}

// npmClient runs it, and answers its lines and exit code.
func npmClient(t *testing.T, address, kind, password string) (lines []npmLine, code int) {
	t.Helper()
	if _, err := os.Stat("../scripts/interop/node_modules/smpp"); err != nil {
		if os.Getenv("BINDERY_REQUIRE") == "1" {
			t.Fatal("npm's smpp is missing: ./scripts/test installs it")
		}
		t.Skip("npm's smpp is not installed: npm ci --prefix scripts/interop")
	}
	_, port, _ := net.SplitHostPort(address)
	list, err := json.Marshal(foreignTexts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "../scripts/interop/esme.js", port, kind, string(list), password)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(60*time.Second, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	for all := bufio.NewScanner(out); all.Scan(); {
		var l npmLine
		if err := json.Unmarshal(all.Bytes(), &l); err != nil {
			t.Errorf("%s: %v", all.Bytes(), err)
		}
		lines = append(lines, l)
	}
	_ = cmd.Wait()
	return lines, cmd.ProcessState.ExitCode()
}

// TestNpmClient: npm's smpp binds to our listener both ways. It writes the GSM
// alphabet, escapes and all, under data_coding 1, which SMPP 3.4 §5.2.19 has
// for ASCII: read so, a "€" would be an "e".
func TestNpmClient(t *testing.T) {
	for kind, binds := range map[string]int{"transceiver": 1, "pair": 2} {
		t.Run(kind, func(t *testing.T) {
			side, address := carrierListening(t, smpp.Config{EnquireLink: 50 * time.Millisecond, SystemID: "ours"},
				coding.Profile{DataCoding: map[coding.Encoding]uint8{coding.GSM7: 1}})
			lines, code := npmClient(t, address, kind, "secret")
			count := map[string]int{}
			ids, receipts := map[string]bool{}, 0
			for _, l := range lines {
				switch {
				case l.Bind != "":
					count["bind"]++
					if *l.Status != 0 || l.Smsc != "ours" || l.Version == nil || *l.Version != 0x34 {
						t.Errorf("bind_resp %+v", l)
					}
				case l.Submit != "":
					ids[l.Submit] = true
				case l.Receipt != "":
					id, _, _ := strings.Cut(strings.TrimPrefix(l.Receipt, "id:"), " ")
					if receipts++; l.On == "transmitter" || !strings.HasPrefix(id, "ABC") {
						t.Errorf("receipt %+v", l)
					}
				case l.Alive != nil:
					count["alive"]++
				case l.Unbound != nil:
					count["unbound"]++
				case l.Error != "":
					t.Error(l.Error)
				}
			}
			if code != 0 || count["bind"] != binds || count["alive"] != binds || count["unbound"] != binds || len(ids) != len(foreignTexts) || receipts != len(ids) {
				t.Errorf("exit code %d, %v, %d ids, %d receipts", code, count, len(ids), receipts)
			}
			side.until(t, "the sessions end", func() bool { return len(side.ends) == binds })
			for _, err := range side.ends {
				if !errors.Is(err, smpp.ErrUnbound) {
					t.Errorf("ended: %v", err)
				}
			}
			if got := strings.Join(side.texts, "\n"); got != strings.Join(foreignTexts, "\n") {
				t.Errorf("we read\n%s", got)
			}
		})
	}
	_, address := carrierListening(t, smpp.Config{})
	if lines, code := npmClient(t, address, "transceiver", "wrong"); code != 1 || len(lines) != 1 || *lines[0].Status != int(pdu.StatusInvPaswd) {
		t.Errorf("wrong password: exit code %d, %+v", code, lines)
	}
}
