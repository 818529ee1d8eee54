package bindpool

import (
	"bindery/smpp"
	"bindery/smpp/pdu"
)

// handler joins one session to its bind. It belongs to the session's reader.
type handler struct {
	bind  *bind
	freed bool // slots were freed since Idle
}

// handler is what a session of b is told to: one that does the other operations
// of the bound states only if the owner does, so that else the session declines
// them itself.
func (b *bind) handler() smpp.Handler {
	h := &handler{bind: b}
	if o, ok := b.pool.owner.(OperationOwner); ok {
		return &operator{h, o}
	}
	return h
}

// operator is the handler of an owner that does them.
type operator struct {
	*handler
	owner OperationOwner
}

// Operation implements smpp.OperationHandler.
func (o *operator) Operation(s *smpp.Session, p pdu.PDU) {
	o.owner.Operation(o.bind.index, s, p)
}

func (h *handler) Request(s *smpp.Session, p pdu.PDU) {
	h.bind.pool.owner.Request(h.bind.index, s, p)
}

func (h *handler) Result(_ *smpp.Session, r smpp.Result) {
	h.freed = true
	h.bind.pool.owner.Result(h.bind.index, r)
}

func (h *handler) Idle(*smpp.Session) {
	p := h.bind.pool
	p.owner.Idle(h.bind.index)
	if h.freed {
		h.freed = false
		p.tellFreed()
	}
}

// Odd implements smpp.OddHandler.
func (h *handler) Odd(_ *smpp.Session, err *smpp.OddError) {
	if o, ok := h.bind.pool.owner.(OddOwner); ok {
		o.Odd(h.bind.index, err)
	}
}

// Closed is left out: run sees the session's end, after everything else.
func (h *handler) Closed(*smpp.Session, error) {}
