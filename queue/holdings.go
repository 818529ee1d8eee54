package queue

// holdings are the parts that an Owner owes: by block, and in it by part, since
// most of a block is leased together.
type holdings struct {
	blocks map[Block]*heldBlock
	name   Block // of last, which is asked for again and again
	last   *heldBlock
}

// heldBlock has a place for each part up to the last one held.
type heldBlock struct {
	parts []holding
	n     int // held
}

// holding is a part that this process owes: under which lease (0: none), and
// where in it.
type holding struct {
	lease LeaseNumber
	place int32
}

func (h *holdings) block(b Block) *heldBlock {
	if h.last == nil || h.name != b {
		held := h.blocks[b]
		if held == nil {
			return nil
		}
		h.name, h.last = b, held
	}
	return h.last
}

func (h *holdings) get(p Part) holding {
	if b := h.block(p.Block); b != nil && int(p.Index) < len(b.parts) {
		return b.parts[p.Index]
	}
	return holding{}
}

func (h *holdings) set(p Part, lease LeaseNumber, place int) {
	b := h.block(p.Block)
	if b == nil {
		b = &heldBlock{}
		if h.blocks == nil {
			h.blocks = map[Block]*heldBlock{}
		}
		h.blocks[p.Block] = b
	}
	for int(p.Index) >= len(b.parts) {
		b.parts = append(b.parts, holding{})
	}
	if b.parts[p.Index].lease == 0 {
		b.n++
	}
	b.parts[p.Index] = holding{lease, int32(place)}
}

// drop takes a part off if it is held under this lease.
func (h *holdings) drop(p Part, lease LeaseNumber) {
	b := h.block(p.Block)
	if lease == 0 || b == nil || int(p.Index) >= len(b.parts) || b.parts[p.Index].lease != lease {
		return
	}
	b.parts[p.Index] = holding{}
	if b.n--; b.n == 0 {
		delete(h.blocks, p.Block)
		h.last = nil
	}
}

// count calls f with the lease of each part held.
func (h *holdings) count(f func(LeaseNumber)) {
	for _, b := range h.blocks {
		for _, part := range b.parts {
			if part.lease != 0 {
				f(part.lease)
			}
		}
	}
}
