package pdu_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	gosmpp "github.com/fiorix/go-smpp/smpp/pdu"
	"github.com/fiorix/go-smpp/smpp/pdu/pdufield"
	"github.com/fiorix/go-smpp/smpp/pdu/pdutlv"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"bindery/smpp/pdu"
)

// The second opinion: go-smpp is by other people, from the same spec. What it
// and we read and write is held against each other; where they differ,
// differences (gosmpp_differences_test.go) says why, and who is right.

// theirField is one mandatory field by go-smpp's name, as octets on the wire.
type theirField struct {
	name  pdufield.Name
	value []byte
}

func octet(name pdufield.Name, v uint8) theirField { return theirField{name, []byte{v}} }

func text(name pdufield.Name, v []byte) theirField {
	return theirField{name, append(bytes.Clone(v), 0)}
}

// theirFields are the mandatory fields of a PDU that go-smpp knows.
func theirFields(p pdu.PDU) []theirField {
	switch p := p.(type) {
	case *pdu.Bind:
		return []theirField{
			text(pdufield.SystemID, p.SystemID), text(pdufield.Password, p.Password), text(pdufield.SystemType, p.SystemType),
			octet(pdufield.InterfaceVersion, p.InterfaceVersion), octet(pdufield.AddrTON, p.AddressRange.TON),
			octet(pdufield.AddrNPI, p.AddressRange.NPI), text(pdufield.AddressRange, p.AddressRange.Addr),
		}
	case *pdu.BindResp:
		return response1(pdufield.SystemID, p.SystemID)
	case *pdu.SubmitSMResp:
		return response1(pdufield.MessageID, p.MessageID)
	case *pdu.DeliverSMResp:
		return response1(pdufield.MessageID, p.MessageID)
	case *pdu.QuerySM:
		return append([]theirField{text(pdufield.MessageID, p.MessageID)}, source(p.Source)...)
	case *pdu.QuerySMResp:
		if p.MessageID == nil {
			return nil
		}
		return []theirField{
			text(pdufield.MessageID, p.MessageID), text(pdufield.FinalDate, p.FinalDate),
			octet(pdufield.MessageState, p.MessageState), octet(pdufield.ErrorCode, p.ErrorCode),
		}
	case *pdu.SubmitSM:
		return slices.Concat(smHead(p), []theirField{
			octet(pdufield.DestAddrTON, p.Destination.TON), octet(pdufield.DestAddrNPI, p.Destination.NPI),
			text(pdufield.DestinationAddr, p.Destination.Addr),
		}, smTail(p))
	case *pdu.DeliverSM:
		return theirFields((*pdu.SubmitSM)(p))
	case *pdu.SubmitMulti:
		sm := asSubmitSM(p)
		return slices.Concat(smHead(sm), []theirField{
			octet(pdufield.NumberDests, uint8(len(p.Destinations))), {pdufield.DestinationList, destinationOctets(p.Destinations)},
		}, smTail(sm))
	case *pdu.SubmitMultiResp:
		if p.MessageID == nil {
			return nil
		}
		return []theirField{
			text(pdufield.MessageID, p.MessageID), octet(pdufield.NoUnsuccess, uint8(len(p.Unsuccess))),
			{pdufield.UnsuccessSme, unsuccessOctets(p.Unsuccess)},
		}
	}
	return nil
}

func response1(name pdufield.Name, v []byte) []theirField {
	if v == nil { // no body
		return nil
	}
	return []theirField{text(name, v)}
}

func source(a pdu.Address) []theirField {
	return []theirField{octet(pdufield.SourceAddrTON, a.TON), octet(pdufield.SourceAddrNPI, a.NPI), text(pdufield.SourceAddr, a.Addr)}
}

func smHead(p *pdu.SubmitSM) []theirField {
	return append([]theirField{text(pdufield.ServiceType, p.ServiceType)}, source(p.Source)...)
}

func smTail(p *pdu.SubmitSM) []theirField {
	return []theirField{
		octet(pdufield.ESMClass, p.ESMClass), octet(pdufield.ProtocolID, p.ProtocolID), octet(pdufield.PriorityFlag, p.PriorityFlag),
		text(pdufield.ScheduleDeliveryTime, p.ScheduleDeliveryTime), text(pdufield.ValidityPeriod, p.ValidityPeriod),
		octet(pdufield.RegisteredDelivery, p.RegisteredDelivery), octet(pdufield.ReplaceIfPresentFlag, p.ReplaceIfPresentFlag),
		octet(pdufield.DataCoding, p.DataCoding), octet(pdufield.SMDefaultMsgID, p.SMDefaultMsgID),
		octet(pdufield.SMLength, uint8(len(p.ShortMessage))), {pdufield.ShortMessage, bytes.Clone(p.ShortMessage)},
	}
}

func asSubmitSM(p *pdu.SubmitMulti) *pdu.SubmitSM {
	return &pdu.SubmitSM{
		ServiceType: p.ServiceType, Source: p.Source, ESMClass: p.ESMClass, ProtocolID: p.ProtocolID, PriorityFlag: p.PriorityFlag,
		ScheduleDeliveryTime: p.ScheduleDeliveryTime, ValidityPeriod: p.ValidityPeriod, RegisteredDelivery: p.RegisteredDelivery,
		ReplaceIfPresentFlag: p.ReplaceIfPresentFlag, DataCoding: p.DataCoding, SMDefaultMsgID: p.SMDefaultMsgID, ShortMessage: p.ShortMessage,
	}
}

func destinationOctets(list []pdu.Destination) (b []byte) {
	for _, d := range list {
		b = append(append(b, d.Flag, d.TON, d.NPI), d.Addr...)
		b = append(b, 0)
	}
	return b
}

func unsuccessOctets(list []pdu.UnsuccessSME) (b []byte) {
	for _, u := range list {
		b = append(append(b, u.TON, u.NPI), u.Addr...)
		b = append(b, 0, byte(u.Status>>24), byte(u.Status>>16), byte(u.Status>>8), byte(u.Status))
	}
	return b
}

// tlvsOf are the optional parameters of any PDU.
func tlvsOf(p pdu.PDU) pdu.TLVs {
	switch p := p.(type) {
	case *pdu.Bind:
		return p.TLVs
	case *pdu.BindResp:
		return p.TLVs
	case *pdu.SubmitSM:
		return p.TLVs
	case *pdu.SubmitSMResp:
		return p.TLVs
	case *pdu.DeliverSM:
		return p.TLVs
	case *pdu.DeliverSMResp:
		return p.TLVs
	case *pdu.QuerySM:
		return p.TLVs
	case *pdu.QuerySMResp:
		return p.TLVs
	case *pdu.SubmitMulti:
		return p.TLVs
	case *pdu.SubmitMultiResp:
		return p.TLVs
	}
	return nil
}

// theirNew makes go-smpp's PDU of an id; nil for what it has none for.
func theirNew(id pdu.CommandID) gosmpp.Body {
	known := map[pdu.CommandID]func() gosmpp.Body{
		pdu.CommandBindReceiver: gosmpp.NewBindReceiver, pdu.CommandBindReceiverResp: gosmpp.NewBindReceiverResp,
		pdu.CommandBindTransmitter: gosmpp.NewBindTransmitter, pdu.CommandBindTransmitterResp: gosmpp.NewBindTransmitterResp,
		pdu.CommandBindTransceiver: gosmpp.NewBindTransceiver, pdu.CommandBindTransceiverResp: gosmpp.NewBindTransceiverResp,
		pdu.CommandQuerySM: gosmpp.NewQuerySM, pdu.CommandQuerySMResp: gosmpp.NewQuerySMResp,
		pdu.CommandSubmitSM:     func() gosmpp.Body { return gosmpp.NewSubmitSM(nil) },
		pdu.CommandSubmitSMResp: gosmpp.NewSubmitSMResp,
		pdu.CommandSubmitMulti:  func() gosmpp.Body { return gosmpp.NewSubmitMulti(nil) }, pdu.CommandSubmitMultiResp: gosmpp.NewSubmitMultiResp,
		pdu.CommandDeliverSM: gosmpp.NewDeliverSM, pdu.CommandDeliverSMResp: gosmpp.NewDeliverSMResp,
		pdu.CommandUnbind: gosmpp.NewUnbind, pdu.CommandUnbindResp: gosmpp.NewUnbindResp,
		pdu.CommandEnquireLink: gosmpp.NewEnquireLink, pdu.CommandEnquireLinkResp: gosmpp.NewEnquireLinkResp,
		pdu.CommandGenericNack: gosmpp.NewGenericNACK,
	}
	if f := known[id]; f != nil {
		return f()
	}
	return nil
}

// theirWriting is p as go-smpp writes it, built by its setters.
func theirWriting(p pdu.PDU) ([]byte, error) {
	body := theirNew(p.Head().ID)
	body.Header().Seq, body.Header().Status = p.Head().Sequence, gosmpp.Status(p.Head().Status)
	for _, f := range theirFields(p) {
		var v any = f.value
		switch {
		case f.name == pdufield.SMLength: // set with short_message
			continue
		case f.name == pdufield.DestinationList:
			v = theirDestinations(p.(*pdu.SubmitMulti).Destinations)
		case f.name == pdufield.UnsuccessSme:
			v = theirUnsuccess(p.(*pdu.SubmitMultiResp).Unsuccess)
		}
		if err := body.Fields().Set(f.name, v); err != nil {
			return nil, err
		}
	}
	for _, t := range tlvsOf(p) {
		if err := body.TLVFields().Set(pdutlv.Tag(t.Tag), t.Value); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	err := body.SerializeTo(&b)
	return b.Bytes(), err
}

func theirDestinations(list []pdu.Destination) *pdufield.DestSmeList {
	all := &pdufield.DestSmeList{}
	for _, d := range list {
		all.Data = append(all.Data, pdufield.DestSme{
			Flag: pdufield.Fixed{Data: d.Flag}, Ton: pdufield.Fixed{Data: d.TON}, Npi: pdufield.Fixed{Data: d.NPI},
			DestAddr: pdufield.Variable{Data: bytes.Clone(d.Addr)},
		})
	}
	return all
}

func theirUnsuccess(list []pdu.UnsuccessSME) *pdufield.UnSmeList {
	all := &pdufield.UnSmeList{}
	for _, u := range list {
		all.Data = append(all.Data, pdufield.UnSme{
			Ton: pdufield.Fixed{Data: u.TON}, Npi: pdufield.Fixed{Data: u.NPI}, DestAddr: pdufield.Variable{Data: bytes.Clone(u.Addr)},
			ErrCode: pdufield.Variable{Data: []byte{byte(u.Status >> 24), byte(u.Status >> 16), byte(u.Status >> 8), byte(u.Status)}},
		})
	}
	return all
}

// theirPanic is a panic of go-smpp's.
type theirPanic struct{ value any }

func (p *theirPanic) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// caught runs what is go-smpp's and makes an error of its panic.
func caught(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &theirPanic{r}
		}
	}()
	return f()
}

// Kinds of complaint.
const (
	theyTake  = "they take what we refuse"
	weTake    = "we take what they refuse"
	fieldKind = "a field differs"
	tlvKind   = "the TLVs differ"
	againKind = "written again, it differs"
	writeKind = "written by them, it differs"
	panicKind = "they panic"
)

// complaint is one thing in which the two do not agree.
type complaint struct {
	kind, detail string
	field        pdufield.Name // where it is of one
	p            pdu.PDU       // as we read it
	err          error         // with which we did
	frame        []byte
	ours, theirs []byte // as written, where they are
}

func (c complaint) String() string {
	return fmt.Sprintf("%s: %s\n%x\nas we read it: %+v, %v", c.kind, c.detail, c.frame, c.p, c.err)
}

// comparison gathers the complaints about one PDU.
type comparison struct {
	complaint // as far as all have it in common
	list      []complaint
}

func (c *comparison) complain(kind, format string, args ...any) {
	one := c.complaint
	one.kind, one.detail = kind, fmt.Sprintf(format, args...)
	c.list = append(c.list, one)
}

// failed complains of an error that is go-smpp's.
func (c *comparison) failed(kind string, err error) {
	if p := (*theirPanic)(nil); errors.As(err, &p) {
		kind = panicKind
	}
	c.complain(kind, "%v", err)
}

// compare has both read a PDU, and write it again.
func compare(frame []byte) []complaint {
	p := pdu.New(pdu.CommandID(uint32(frame[4])<<24 | uint32(frame[5])<<16 | uint32(frame[6])<<8 | uint32(frame[7])))
	err := p.Decode(frame)
	c := &comparison{complaint: complaint{p: p, err: err, frame: frame}}
	var body gosmpp.Body
	theirErr := caught(func() (err error) {
		body, err = gosmpp.Decode(bytes.NewReader(bytes.Clone(frame)))
		if err == nil {
			for _, f := range body.Fields() { // as a log does
				_ = f.String()
			}
		}
		return err
	})
	switch {
	case err != nil && theirErr == nil:
		c.complain(theyTake, "%v", err)
	case err == nil && theirErr != nil:
		c.failed(weTake, theirErr)
	case theirErr != nil:
		if p := (*theirPanic)(nil); errors.As(theirErr, &p) {
			c.failed(panicKind, theirErr)
		}
	default:
		c.contents(body)
		c.again(body)
	}
	return c.list
}

func (c *comparison) contents(body gosmpp.Body) {
	for _, f := range theirFields(c.p) {
		var got []byte
		if b := body.Fields()[f.name]; b != nil {
			got = b.Bytes()
		}
		if !bytes.Equal(got, f.value) {
			c.field = f.name
			c.complain(fieldKind, "%s is %x, by them %x", f.name, f.value, got)
		}
	}
	c.field = ""
	ours, theirs := map[pdutlv.Tag]string{}, map[pdutlv.Tag]string{}
	for _, t := range tlvsOf(c.p) {
		ours[pdutlv.Tag(t.Tag)] += string(t.Value)
	}
	for tag, v := range body.TLVFields() {
		theirs[tag] = string(v.(*pdutlv.Field).Data)
	}
	if !maps.Equal(ours, theirs) {
		c.complain(tlvKind, "%x, by them %x", ours, theirs)
	}
}

// again has both write what they read. What may be read and not sent we do not
// write.
func (c *comparison) again(body gosmpp.Body) {
	ours, err := c.p.AppendTo(nil)
	if err != nil {
		return
	}
	var theirs bytes.Buffer
	if err := caught(func() error { return body.SerializeTo(&theirs) }); err != nil {
		c.failed(againKind, err)
	} else if !bytes.Equal(ours, theirs.Bytes()) {
		c.ours, c.theirs = ours, theirs.Bytes()
		c.complain(againKind, "\n%x, by them\n%x", ours, theirs.Bytes())
	}
}

// compareWriting has both write a PDU that may be sent, and us read theirs.
func compareWriting(p pdu.PDU) []complaint {
	ours, err := p.AppendTo(nil)
	if err != nil || theirNew(p.Head().ID) == nil {
		return nil
	}
	c := &comparison{complaint: complaint{p: p, frame: ours}}
	var theirs []byte
	if err := caught(func() (err error) { theirs, err = theirWriting(p); return err }); err != nil {
		c.failed(writeKind, err)
		return c.list
	}
	if !bytes.Equal(ours, theirs) {
		c.ours, c.theirs = ours, theirs
		c.complain(writeKind, "\n%x, by them\n%x", ours, theirs)
		return c.list
	}
	q := pdu.New(p.Head().ID)
	if err := q.Decode(theirs); err != nil {
		c.complain(writeKind, "we cannot read theirs: %v", err)
	} else if diff := cmp.Diff(p, q, sameHere); diff != "" {
		c.complain(writeKind, "we read theirs as -want +got\n%s", diff)
	}
	if again, err := q.AppendTo(nil); err != nil || !bytes.Equal(again, theirs) {
		c.complain(writeKind, "%v, again\n%x, theirs\n%x", err, again, theirs)
	}
	return c.list
}

// unexplained are the complaints that no row of differences covers.
func unexplained(list []complaint) string {
	var b strings.Builder
	for _, c := range list {
		if !slices.ContainsFunc(differences, func(d difference) bool { return d.covers(c) }) {
			fmt.Fprintln(&b, c)
		}
	}
	return b.String()
}

func TestAgainstGoSMPP(t *testing.T) {
	for _, p := range samples() {
		if s := unexplained(append(compareWriting(p), compare(encode(t, p))...)); s != "" {
			t.Error(s)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		p := drawPDU(t)
		frame, err := p.AppendTo(nil)
		if err != nil {
			t.Fatal(err)
		}
		if s := unexplained(append(compareWriting(p), compare(frame)...)); s != "" {
			t.Fatal(s)
		}
	})
}

// Whatever octets come, the two agree on what they are, or a row says why not.
func FuzzAgainstGoSMPP(f *testing.F) {
	seed(f, func(b []byte) { f.Add(b) })
	for _, d := range differences {
		if frame := octets(f, d.example); len(frame) < 1000 {
			f.Add(frame)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) < pdu.HeaderLen {
			return
		}
		frame := reframe(src)
		list := compare(frame)
		var d pdu.Decoder
		if p, err := d.Decode(frame); err == nil {
			list = append(list, compareWriting(p)...)
		}
		if s := unexplained(list); s != "" {
			t.Error(s)
		}
	})
}
