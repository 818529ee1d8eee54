package smppcarrier

import (
	"errors"
	"sync"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

// acks joins what is being stored to the request that it came by.
type acks struct {
	mu   sync.Mutex // guards all below
	rows []ackRow
	free []uint32
	// The answers are built here.
	deliver pdu.DeliverSMResp
	data    pdu.DataSMResp
}

type ackRow struct {
	session    *smpp.Session // nil: the row is free
	sequence   uint32
	generation uint32
	data       bool // data_sm, else deliver_sm
}

// await notes a request that is to be answered later.
func (a *acks) await(s *smpp.Session, h *pdu.Header) uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.free) == 0 {
		a.rows = append(a.rows, ackRow{})
		a.free = append(a.free, uint32(len(a.rows)-1))
	}
	i := a.free[len(a.free)-1]
	a.free = a.free[:len(a.free)-1]
	row := &a.rows[i]
	row.session, row.sequence, row.data = s, h.Sequence, h.ID == pdu.CommandDataSM
	return uint64(row.generation)<<32 | uint64(i)
}

// answer answers a request once. A session that has ended takes no answer: the
// carrier repeats the request on its next one.
func (a *acks) answer(token uint64, status pdu.CommandStatus) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := uint32(token)
	if int(i) >= len(a.rows) || a.rows[i].session == nil || a.rows[i].generation != uint32(token>>32) {
		return errors.New("answered before")
	}
	row := a.rows[i]
	a.rows[i] = ackRow{generation: row.generation + 1}
	a.free = append(a.free, i)
	h := pdu.Header{Status: status, Sequence: row.sequence}
	if row.data {
		a.data.Header = h
		return row.session.Respond(&a.data)
	}
	a.deliver.Header = h
	return row.session.Respond(&a.deliver)
}

// waiting counts the requests that are not answered.
func (a *acks) waiting() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.rows) - len(a.free)
}
