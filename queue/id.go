package queue

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"
)

// A block's name is 110 bits in 22 characters of Crockford's base32, lower
// case, so that names sort by time: version 4 bits, shard map 4, shard 8,
// second of acceptance 32, random 62. A message's id is the name of its block
// and the number of its first part in four more characters.
const (
	blockLength  = 22
	numberLength = 4
	idLength     = blockLength + numberLength
	idVersion    = 0
)

const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

var fromCrockford = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xFF
	}
	for i := range crockford {
		t[crockford[i]] = byte(i)
	}
	return t
}()

// newBlock draws the name of a block that is accepted at the given time.
func newBlock(shard int, at time.Time) Block {
	var r [8]byte
	_, _ = rand.Read(r[:]) // never fails (crypto/rand)
	random := binary.BigEndian.Uint64(r[:]) >> 2
	// 110 bits: hi holds the upper 46 (version, map, shard, 30 bits of the
	// second), lo the lower 64 (2 bits of the second, random).
	second := uint64(uint32(at.Unix()))
	hi := uint64(idVersion)<<42 | uint64(shard&0xFF)<<30 | second>>2
	lo := second<<62 | random
	var b [blockLength]byte
	for i := blockLength - 1; i >= 0; i-- {
		b[i] = crockford[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return Block(b[:])
}

// bits unpacks a name; ok only for what newBlock could have drawn.
func (b Block) bits() (hi, lo uint64, ok bool) {
	if len(b) != blockLength {
		return 0, 0, false
	}
	for i := range len(b) {
		v := fromCrockford[b[i]]
		if v == 0xFF {
			return 0, 0, false
		}
		hi = hi<<5 | lo>>59
		lo = lo<<5 | uint64(v)
	}
	return hi, lo, hi>>42 == idVersion
}

// shard is the number of the block's shard.
func (b Block) shard() (int, bool) {
	hi, _, ok := b.bits()
	return int(hi >> 30 & 0xFF), ok
}

// AcceptedAt is the second at which the block was accepted, by Redis time.
func (b Block) AcceptedAt() time.Time {
	hi, lo, _ := b.bits()
	return time.Unix(int64(hi&(1<<30-1)<<2|lo>>62), 0)
}

// newID names the message whose first part is the given one.
func newID(b Block, first int) ID {
	var room [idLength]byte
	return ID(appendID(room[:0], b, first))
}

func appendID(dst []byte, b Block, first int) []byte {
	dst = append(dst, b...)
	for shift := 5 * (numberLength - 1); shift >= 0; shift -= 5 {
		dst = append(dst, crockford[first>>shift&31])
	}
	return dst
}

// idAt is the i-th of ids that stand one behind the other. They are names of one
// block's messages: one string for all, as all of them are of use for as long.
func idAt(ids string, i int) ID { return ID(ids[i*idLength : (i+1)*idLength]) }

// first is the number of the message's first part; the id is one of ours.
func (id ID) first() (n int) {
	for i := blockLength; i < len(id); i++ {
		n = n<<5 | int(fromCrockford[id[i]])
	}
	return n
}

// Parse takes an id apart into its block and the message's first part.
func (id ID) Parse() (Part, error) {
	if len(id) != idLength {
		return Part{}, fmt.Errorf("queue: id has %d characters, want %d", len(id), idLength)
	}
	b := Block(id[:blockLength])
	if _, _, ok := b.bits(); !ok {
		return Part{}, fmt.Errorf("queue: id %q is none of ours", string(id))
	}
	for i := blockLength; i < idLength; i++ {
		if fromCrockford[id[i]] == 0xFF {
			return Part{}, fmt.Errorf("queue: id %q is none of ours", string(id))
		}
	}
	first := id.first()
	if first >= maxParts {
		return Part{}, fmt.Errorf("queue: id %q names part %d, a block has at most %d", string(id), first, maxParts)
	}
	return Part{Block: b, Index: uint16(first)}, nil
}
