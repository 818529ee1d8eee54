package pdu_test

import (
	"bytes"
	"testing"

	gosmpp "github.com/fiorix/go-smpp/smpp/pdu"
	"github.com/fiorix/go-smpp/smpp/pdu/pdufield"
	"github.com/fiorix/go-smpp/smpp/pdu/pdutext"
	"github.com/fiorix/go-smpp/smpp/pdu/pdutlv"

	"bindery/smpp/pdu"
)

func benchmarkEncode(b *testing.B, p pdu.PDU) {
	buf := encode(b, p)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.AppendTo(buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkDecode(b *testing.B, p pdu.PDU) {
	frame := encode(b, p)
	var d pdu.Decoder
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func response() *pdu.SubmitSMResp {
	return &pdu.SubmitSMResp{Header: header(pdu.CommandSubmitSMResp, 0, 77), MessageID: []byte("34f60ac1ba12417c")}
}

func BenchmarkSubmitSMEncode(b *testing.B)     { benchmarkEncode(b, submit160()) }
func BenchmarkSubmitSMDecode(b *testing.B)     { benchmarkDecode(b, submit160()) }
func BenchmarkSubmitSMRespEncode(b *testing.B) { benchmarkEncode(b, response()) }
func BenchmarkSubmitSMRespDecode(b *testing.B) { benchmarkDecode(b, response()) }
func BenchmarkDeliverSMEncode(b *testing.B)    { benchmarkEncode(b, receipt()) }
func BenchmarkDeliverSMDecode(b *testing.B)    { benchmarkDecode(b, receipt()) }

// BenchmarkReader is one PDU of many that came in one read.
func BenchmarkReader(b *testing.B) {
	whole, _ := stream(b, []pdu.PDU{response(), receipt()})
	whole = bytes.Repeat(whole, 100)
	src := bytes.NewReader(whole)
	r := pdu.NewReader(src, 0)
	b.SetBytes(int64(len(whole) / 200))
	b.ReportAllocs()
	for b.Loop() {
		if src.Len() == 0 && !r.Ready() {
			src.Reset(whole)
		}
		if _, err := r.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

// goSMPP is the same submit_sm as a PDU of go-smpp, built as its users do.
func goSMPP(t testing.TB, p *pdu.SubmitSM) gosmpp.Body {
	t.Helper()
	tlvs := pdutlv.Fields{}
	for _, v := range p.TLVs {
		tlvs[pdutlv.Tag(v.Tag)] = v.Value
	}
	body := gosmpp.NewSubmitSM(tlvs)
	body.Header().Seq = p.Sequence
	f := body.Fields()
	for name, v := range map[pdufield.Name]any{
		pdufield.ServiceType:          string(p.ServiceType),
		pdufield.SourceAddrTON:        p.Source.TON,
		pdufield.SourceAddrNPI:        p.Source.NPI,
		pdufield.SourceAddr:           string(p.Source.Addr),
		pdufield.DestAddrTON:          p.Destination.TON,
		pdufield.DestAddrNPI:          p.Destination.NPI,
		pdufield.DestinationAddr:      string(p.Destination.Addr),
		pdufield.ESMClass:             p.ESMClass,
		pdufield.ProtocolID:           p.ProtocolID,
		pdufield.PriorityFlag:         p.PriorityFlag,
		pdufield.ScheduleDeliveryTime: string(p.ScheduleDeliveryTime),
		pdufield.ValidityPeriod:       string(p.ValidityPeriod),
		pdufield.RegisteredDelivery:   p.RegisteredDelivery,
		pdufield.ReplaceIfPresentFlag: p.ReplaceIfPresentFlag,
		pdufield.SMDefaultMsgID:       p.SMDefaultMsgID,
	} {
		if err := f.Set(name, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Set(pdufield.ShortMessage, pdutext.Raw(p.ShortMessage)); err != nil {
		t.Fatal(err)
	}
	if err := f.Set(pdufield.DataCoding, p.DataCoding); err != nil {
		t.Fatal(err)
	}
	return body
}

func goSMPPEncode(t testing.TB, p *pdu.SubmitSM) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := goSMPP(t, p).SerializeTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// BenchmarkGoSMPPSubmitSMEncode builds and writes, since its PDUs are used
// once; BenchmarkGoSMPPSubmitSMSerialize writes the same PDU again and again.
func BenchmarkGoSMPPSubmitSMEncode(b *testing.B) {
	p := submit160()
	b.ReportAllocs()
	for b.Loop() {
		goSMPPEncode(b, p)
	}
}

func BenchmarkGoSMPPSubmitSMSerialize(b *testing.B) {
	body := goSMPP(b, submit160())
	var buf bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		buf.Reset()
		if err := body.SerializeTo(&buf); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkGoSMPPDecode(b *testing.B, p pdu.PDU) {
	frame := encode(b, p)
	r := bytes.NewReader(frame)
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(frame)
		if _, err := gosmpp.Decode(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGoSMPPSubmitSMDecode(b *testing.B)  { benchmarkGoSMPPDecode(b, submit160()) }
func BenchmarkGoSMPPDeliverSMDecode(b *testing.B) { benchmarkGoSMPPDecode(b, receipt()) }

// The benchmarks compare the same work: both write the same octets.
func TestSameOctetsAsGoSMPP(t *testing.T) {
	if ours, theirs := encode(t, submit160()), goSMPPEncode(t, submit160()); !bytes.Equal(ours, theirs) {
		t.Errorf("ours\n%x, theirs\n%x", ours, theirs)
	}
}
