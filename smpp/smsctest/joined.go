package smsctest

import (
	"bytes"
	"fmt"

	"bindery/smpp/coding"
	"bindery/smpp/pdu"
)

// Text is what a handset would show of one message.
type Text struct {
	Source, Destination string
	Text                string
	Parts               int      // that it has
	Missing             int      // of these, those that never came; Text is then empty
	Repeats             int      // parts that came again unchanged
	IDs                 []string // of the parts, in the order in which they came
	Err                 error    // why Text could not be read
}

// Joined puts the messages that were taken together from their parts, by
// source, destination and reference, in the order in which each began. It
// needs RecordFull. profile says which data_coding is what; nil is SMPP's own.
func (s *SMSC) Joined(profile *coding.Profile) []Text {
	if profile == nil {
		profile = &coding.Profile{}
	}
	j := joiner{open: map[joinKey]*joining{}}
	for _, e := range s.Submits() {
		if e.ID != "" {
			j.add(&e)
		}
	}
	texts := make([]Text, 0, len(j.list))
	for _, g := range j.list {
		texts = append(texts, g.read(profile))
	}
	return texts
}

type joinKey struct {
	source, destination string
	ref                 uint16
	wide, sar           bool
	total               uint8
}

type joining struct {
	text  Text
	parts []coding.Fragment
}

type joiner struct {
	open map[joinKey]*joining
	list []*joining
}

func (j *joiner) add(e *Submit) {
	f, sar, err := fragment(&e.PDU)
	key := joinKey{source: e.Source(), destination: e.Destination(), ref: f.Concat.Ref, wide: f.Concat.Wide, sar: sar, total: f.Concat.Total}
	g := j.open[key]
	if f.Concat.Total > 1 && err == nil && g != nil {
		if g.repeats(f) {
			g.text.Repeats++
			return
		}
		if len(g.parts) < g.text.Parts {
			g.parts = append(g.parts, f)
			g.text.IDs = append(g.text.IDs, e.ID)
			return
		}
	}
	g = &joining{parts: []coding.Fragment{f}, text: Text{Source: e.Source(), Destination: e.Destination(),
		Parts: max(int(f.Concat.Total), 1), IDs: []string{e.ID}, Err: err}}
	j.open[key] = g
	j.list = append(j.list, g)
}

// repeats tells whether f is a part that is there already, unchanged.
func (g *joining) repeats(f coding.Fragment) bool {
	for _, p := range g.parts {
		if p.Concat.Seq == f.Concat.Seq {
			return bytes.Equal(p.Body, f.Body)
		}
	}
	return false
}

func (g *joining) read(profile *coding.Profile) Text {
	t := g.text
	t.Missing = t.Parts - len(g.parts)
	switch {
	case t.Err != nil || t.Missing > 0:
	case t.Parts == 1:
		t.Text, t.Err = profile.Decode(g.parts[0].Body, g.parts[0].DataCoding)
	default:
		t.Text, t.Err = profile.Join(g.parts)
	}
	return t
}

// fragment takes the part out of a submit_sm; sar when TLVs number it.
func fragment(p *pdu.SubmitSM) (f coding.Fragment, sar bool, err error) {
	f, err = coding.ParseFragment(p.Payload(), p.DataCoding, p.ESMClass)
	if err != nil {
		return f, false, fmt.Errorf("short_message to %s: %w", p.Destination.Addr, err)
	}
	ref, ok := p.TLVs.Uint16(pdu.TagSARMsgRefNum)
	total, ok2 := p.TLVs.Uint8(pdu.TagSARTotalSegments)
	seq, ok3 := p.TLVs.Uint8(pdu.TagSARSegmentSeqnum)
	if ok && ok2 && ok3 && f.Concat.Total == 0 {
		f.Concat, sar = coding.Concat{Ref: ref, Total: total, Seq: seq, Wide: true}, true
	}
	return f, sar, nil
}
