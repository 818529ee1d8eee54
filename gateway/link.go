package gateway

import (
	"crypto/tls"
	"fmt"

	"bindery/config"
	"bindery/dlr"
	"bindery/gateway/smppcarrier"
	"bindery/smpp/pdu"
)

// Link is how the gateway reaches a carrier and writes to it, for who wants to
// do the same by hand (`bindery probe`).
type Link struct {
	TLS *tls.Config // nil: plain
	// Binds are what one bind consists of; without sequence numbers.
	Binds []pdu.Bind
	// Text says how a submit_sm is written; it has no Source.
	Text smppcarrier.Config
	// Submit and Receipt are the forms of ids that the configuration names.
	Submit, Receipt dlr.IDForm
}

// LinkTo maps a carrier's settings as the gateway itself does.
func LinkTo(c config.Carrier) (Link, error) {
	profile, err := codingProfile(c)
	if err != nil {
		return Link{}, err
	}
	secure, err := clientTLS(c.TLS)
	if err != nil {
		return Link{}, fmt.Errorf("carrier %s: %w", c.ID, err)
	}
	l := Link{
		TLS: secure, Text: smppcarrier.Config{Carrier: c.ID, Coding: profile},
		Submit: idForms[c.MessageID.Submit], Receipt: idForms[c.MessageID.Receipt],
	}
	fields(&l.Text, &c)
	modes := []pdu.CommandID{pdu.CommandBindTransceiver}
	if c.Bind == config.BindPair {
		modes = []pdu.CommandID{pdu.CommandBindTransmitter, pdu.CommandBindReceiver}
	}
	for _, mode := range modes {
		l.Binds = append(l.Binds, bindOf(c, mode))
	}
	return l, nil
}

func bindOf(c config.Carrier, mode pdu.CommandID) pdu.Bind {
	return pdu.Bind{
		Header: pdu.Header{ID: mode}, SystemID: []byte(c.SystemID), Password: []byte(c.Password),
		SystemType: []byte(c.SystemType), InterfaceVersion: pdu.Version34,
	}
}
