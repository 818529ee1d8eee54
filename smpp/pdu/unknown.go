package pdu

// Unknown is a PDU that SMPP 3.4 does not have: a vendor's, or a later
// version's. A request of this kind is answered with generic_nack
// ESME_RINVCMDID, a response is not answered (SMPP 3.4 §3.3.1).
type Unknown struct {
	Header
	Body []byte // what follows the header, as it came
}

// AppendTo implements PDU; it writes Header.ID, whatever it is.
func (p *Unknown) AppendTo(dst []byte) ([]byte, error) {
	a := begin(dst, p.ID, &p.Header)
	a.dst = append(a.dst, p.Body...)
	return a.finish()
}

// Decode implements PDU; it takes any id.
func (p *Unknown) Decode(src []byte) error {
	c := openAny(&p.Header, src, 0)
	p.Body = c.src[c.off:len(c.src):len(c.src)]
	return c.done()
}
