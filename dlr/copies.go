package dlr

import "strings"

// Copies is where the receipts that are read one after another keep what they
// take of their PDUs: strings that are cut out of pieces, and ids out of one
// slice, instead of an allocation each. What was made stays as it is, and keeps
// at most its piece. The zero value is ready; it has one user at a time.
type Copies struct {
	octets strings.Builder
	ids    []string
}

// Pieces of Copies: for about a hundred receipts.
const (
	copiesOctets = 4 << 10
	copiesIDs    = 128
)

// text is b as a string.
func (c *Copies) text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if c.octets.Cap()-c.octets.Len() < len(b) {
		c.octets.Reset()
		c.octets.Grow(max(len(b), copiesOctets))
	}
	from := c.octets.Len()
	c.octets.Write(b)
	return c.octets.String()[from:]
}

// list is the texts of one or two ids.
func (c *Copies) list(first, second []byte) []string {
	if cap(c.ids)-len(c.ids) < 2 {
		c.ids = make([]string, 0, copiesIDs)
	}
	from := len(c.ids)
	for _, id := range [...][]byte{first, second} {
		if id != nil {
			c.ids = append(c.ids, c.text(id))
		}
	}
	return c.ids[from:len(c.ids):len(c.ids)]
}
