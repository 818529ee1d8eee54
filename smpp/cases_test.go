package smpp_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

// fieldCase is a line of testdata/pdus.jsonl: what peers really sent.
type fieldCase struct {
	ID    string
	Input struct {
		FromSMSC       []string `json:"from_smsc"`
		FromSMSCChunks []string `json:"from_smsc_chunks"`
	}
	Expect struct {
		Reply            json.RawMessage // one PDU, or one or null for each that came
		InterfaceVersion []*string       `json:"interface_version"`
		MessageID        string          `json:"message_id"`
		MessageIDs       []string        `json:"message_ids"`
		CommandStatus    json.RawMessage `json:"command_status"`
	}
}

func fieldCases(t *testing.T) map[string]fieldCase {
	t.Helper()
	f, err := os.Open("testdata/pdus.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[string]fieldCase{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var c fieldCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		all[c.ID] = c
	}
	return all
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// replies are the PDUs that the case expects from us, without the nulls.
func (c fieldCase) replies(t *testing.T) (all [][]byte) {
	t.Helper()
	if len(c.Expect.Reply) == 0 {
		return nil
	}
	var many []*string
	if json.Unmarshal(c.Expect.Reply, &many) != nil {
		var one string
		if err := json.Unmarshal(c.Expect.Reply, &one); err != nil {
			t.Fatal(err)
		}
		many = []*string{&one}
	}
	for _, text := range many {
		if text != nil {
			all = append(all, unhex(t, *text))
		}
	}
	return all
}

// chunks are what each of the peer's writes holds.
func (c fieldCase) chunks(t *testing.T) (all [][]byte) {
	t.Helper()
	for _, text := range append(c.Input.FromSMSC, c.Input.FromSMSCChunks...) {
		all = append(all, unhex(t, text))
	}
	return all
}

// octets makes a chunk of every octet.
func octets(chunks [][]byte) [][]byte {
	return slices.Collect(slices.Chunk(bytes.Join(chunks, nil), 1))
}

// Cases on a bound session: what is open before, what the peer sends, what we
// answer, what the owner is told; and the session goes on.
func TestCasesBound(t *testing.T) {
	all := fieldCases(t)
	tests := []struct {
		id       string
		submits  []uint32 // open requests by sequence; tokens are the same
		enquire  uint32   // our open enquire_link
		results  []string
		requests []string
		odd      int
	}{
		{id: "P06", submits: []uint32{1}, results: []string{"1:34f60ac1-ba12-417c-871c-feb0456dff44"}},
		{id: "P09", requests: []string{"deliver_sm:7"}},
		{id: "P10", requests: []string{"deliver_sm:8"}},
		{id: "P12", enquire: 12},
		{id: "P15", submits: []uint32{20, 21}, results: []string{"20:aa01", "21:aa02"}, requests: []string{"deliver_sm:14"}},
		{id: "P17", submits: []uint32{94605, 94606}, odd: 1,
			results: []string{"94605:generic_nack ESME_RINVMSGLEN (0x01)"}},
		{id: "P19", requests: []string{"deliver_sm:0", "deliver_sm:2147483647", "deliver_sm:1"}},
		{id: "P21", odd: 2},
		{id: "P23", requests: []string{"deliver_sm:50"}},
	}
	for _, tt := range tests {
		for name, split := range map[string]func([][]byte) [][]byte{
			"as it came": func(c [][]byte) [][]byte { return c },
			"at once":    func(c [][]byte) [][]byte { return [][]byte{bytes.Join(c, nil)} },
			"by octets":  octets,
		} {
			t.Run(tt.id+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, peer, owner := bound(t, smpp.Config{ResponseTimeout: time.Hour, Window: 10})
					for _, seq := range tt.submits {
						s.SetNextSequence(seq)
						mustSubmit(t, s, uint64(seq))
						peer.next(t)
					}
					if tt.enquire != 0 {
						s.SetNextSequence(tt.enquire)
						time.Sleep(31 * time.Second)
						peer.want(t, pdu.CommandEnquireLink, 0, tt.enquire)
					}
					for _, chunk := range split(all[tt.id].chunks(t)) {
						peer.conn.Write(chunk)
						synctest.Wait()
					}
					for _, want := range all[tt.id].replies(t) {
						if got := peer.frame(); !bytes.Equal(got, want) {
							t.Errorf("reply % x, want % x", got, want)
						}
					}
					peer.quiet(t)
					owner.wantResults(t, tt.results...)
					if !slices.Equal(owner.requests, tt.requests) || len(owner.odd) != tt.odd {
						t.Errorf("requests %q odd %v, want %q and %d", owner.requests, owner.odd, tt.requests, tt.odd)
					}
					peer.header(pdu.CommandEnquireLink, 0, 99)
					peer.want(t, pdu.CommandEnquireLinkResp, 0, 99)
				})
			})
		}
	}
}

// bindWith binds to a peer that answers with raw octets and then closes.
func bindWith(t *testing.T, mode pdu.CommandID, raw []byte) (*smpp.Session, error) {
	t.Helper()
	ours, theirs := pipe(t)
	p := &peer{conn: theirs}
	go func() {
		h := p.next(t).(*pdu.Bind)
		if h.Sequence != 1 || h.InterfaceVersion != 0x34 {
			t.Errorf("bind has sequence %d and interface_version %#x, want 1 and 0x34 (S09)", h.Sequence, h.InterfaceVersion)
		}
		theirs.Write(raw)
	}()
	bind := trx()
	bind.ID = mode
	return smpp.Bind(context.Background(), ours, bind, smpp.Config{}, &owner{})
}

func TestCasesBindRefused(t *testing.T) {
	all := fieldCases(t)
	tests := map[string]struct {
		raw  []byte
		want pdu.CommandStatus
	}{
		"P01":                         {all["P01"].chunks(t)[0], pdu.StatusBindFail},
		"P02":                         {all["P02"].chunks(t)[0], pdu.StatusInvSysTyp},
		"P17 generic_nack sequence 0": {unhex(t, "00000010800000000000000400000000"), pdu.StatusInvBndSts},
		"generic_nack of the bind":    {unhex(t, "00000010800000000000000300000001"), pdu.StatusInvCmdID},
		"S07":                         {unhex(t, "00000010800000090000000500000001"), pdu.StatusAlyBnd},
		"S09":                         {unhex(t, "00000010800000090000000f00000001"), pdu.StatusInvSysID},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, err := bindWith(t, pdu.BindTransceiver, tt.raw)
				var refused *smpp.BindError
				if !errors.As(err, &refused) || refused.Status != tt.want {
					t.Errorf("%v, want a refusal with %v", err, tt.want)
				}
			})
		})
	}
}

// Case P22: good answers to a bind differ.
func TestCasesBindAnswers(t *testing.T) {
	c := fieldCases(t)["P22"]
	for i, raw := range c.chunks(t) {
		synctest.Test(t, func(t *testing.T) {
			h, _, _ := pdu.ReadHeader(raw, 1000)
			s, err := bindWith(t, h.ID&^0x80000000, raw)
			if err != nil {
				t.Fatalf("answer %d: %v", i, err)
			}
			want := uint8(0)
			// The second has no sc_interface_version on the wire: the case's 34
			// is what its profile makes of that, not what the peer named.
			if v := c.Expect.InterfaceVersion[i]; v != nil && i != 1 {
				want = unhex(t, *v)[0]
			}
			if got := s.PeerVersion(); got != want {
				t.Errorf("answer %d: version %#x, want %#x", i, got, want)
			}
			s.Close()
			<-s.Done()
		})
	}
}

// Case P13: what answers is no SMSC.
func TestCasesNotSMPP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := bindWith(t, pdu.BindTransceiver, fieldCases(t)["P13"].chunks(t)[0])
		if !errors.Is(err, smpp.ErrNotSMPP) {
			t.Errorf("%v, want ErrNotSMPP", err)
		}
	})
}
