package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

// explained is an error that knows what it means.
type explained struct {
	*Fault
	err error
}

func (e *explained) Error() string { return e.err.Error() }
func (e *explained) Unwrap() error { return e.err }

func fault(err error, kind, means, next string) error {
	return &explained{&Fault{kind, means, next}, err}
}

func unexplained(err error) *Fault {
	return &Fault{"other", "nothing that this probe has a name for: " + err.Error(), "run it again with --hex and show the carrier what was said"}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}

func isCut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func resolveFault(err error, host string) error {
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return fault(err, "no-such-host", "the name server knows no host "+host, "compare the carrier's address in the configuration with what the carrier gave you; a private name needs their VPN's name server")
	}
	return fault(err, "resolver", "no usable answer from this machine's name server", "this is on our side: see /etc/resolv.conf, or use the carrier's numerical address")
}

func connectFault(err error) error {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fault(err, "refused", "the host is there and refuses the connection: nothing listens on this port, or a firewall says so for it", "check the port; ask the carrier whether the SMSC is up and whether this machine's public address is on their list")
	case isTimeout(err):
		return fault(err, "connect-timeout", "no answer at all: our packets, or theirs, are dropped on the way", "check VPN, routing and our firewall; ask the carrier whether this machine's public address is on their list")
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fault(err, "unreachable", "this machine has no way to that network", "this is on our side: check VPN and routing")
	}
	return fault(err, "connect", "the connection could not be made", "check address, VPN and routing")
}

// tlsFault explains a failed handshake, and a certificate of ours that the
// carrier refuses later (TLS 1.3 tells so after the handshake).
func tlsFault(err error, host string) error {
	var (
		name      x509.HostnameError
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &name):
		return fault(err, "tls-name", "the certificate is for other names than "+host, "if the carrier confirms the name in the certificate, set tls.server_name to it; otherwise somebody else answers")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fault(err, "tls-expired", "the carrier's certificate is not valid now: expired, or not valid yet", "check this machine's clock; if it is right, the carrier has to renew the certificate")
	case errors.As(err, &invalid):
		return fault(err, "tls-certificate", "the carrier's certificate may not be used for this", "show the carrier this line; they have to issue another")
	case errors.As(err, &authority):
		return fault(err, "tls-authority", "nobody whom we trust has signed the carrier's certificate: it is self-signed or of a private authority", "get the authority's certificate from the carrier, by a way that you trust, and name its file in tls.ca")
	case errors.As(err, &record):
		return fault(err, "tls-plain", "what answers does not speak TLS", "this may be the carrier's plain port: ask for the TLS port, or leave tls out if the link is protected otherwise")
	case remoteAlert(err) != "":
		return alertFault(err)
	case isTimeout(err):
		return fault(err, "tls-timeout", "the connection stands and nobody shakes hands: plain SMPP waits for our bind in this way", "ask the carrier which port speaks TLS")
	case isCut(err):
		return fault(err, "tls-closed", "the peer closed in the middle of the handshake, as an SMSC without TLS does", "ask the carrier which port speaks TLS, and whether this machine's address is on their list")
	}
	return fault(err, "tls", "the TLS handshake failed", "show the carrier this line")
}

// remoteAlert is what the peer's TLS said when it gave up, "" when it did not.
func remoteAlert(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" {
		return strings.TrimPrefix(op.Err.Error(), "tls: ")
	}
	return ""
}

func alertFault(err error) error {
	alert := remoteAlert(err)
	if strings.Contains(alert, "certificate") {
		return fault(err, "tls-client-certificate", "the carrier wants a certificate of ours, and takes none or not this one ("+alert+")", "set tls.cert and tls.key to those that the carrier has registered")
	}
	return fault(err, "tls-alert", "the carrier's TLS gave up: "+alert, "compare TLS versions with the carrier, ours are 1.2 and 1.3; and ask whether they want a certificate of ours (tls.cert, tls.key): with TLS 1.2 they need not say so")
}

// sessionFault explains why what was said on a connection came to an end; doing
// is the request that got no answer, first are the first octets of the peer.
func sessionFault(err error, doing string, first []byte) error {
	var bind *smpp.BindError
	switch {
	case errors.As(err, &bind):
		return bindFault(err, bind.Status)
	case remoteAlert(err) != "":
		return alertFault(err)
	case errors.Is(err, smpp.ErrNotSMPP):
		return notSMPP(err, first)
	case errors.Is(err, errPanicked):
		return fault(err, "go-smpp-panic", "go-smpp broke down over what the carrier sent", "run it again with --driver native --hex: the last PDU is the cause")
	case errors.Is(err, smpp.ErrUnresponsive), errors.Is(err, smpp.ErrTimeout), isTimeout(err):
		return fault(err, "no-answer", "the connection stands, and "+doing+" is not answered", "the SMSC hangs or is overloaded: ask the carrier whether they see "+doing+"; a longer --timeout tells slow from dead")
	case errors.Is(err, smpp.ErrUnbound):
		return fault(err, "unbound", "the carrier unbound by itself", "ask the carrier why: maintenance, or a limit of the account")
	case isCut(err), errors.Is(err, net.ErrClosed):
		return fault(err, "closed", "the carrier closed the connection instead of answering "+doing, "an address that is not on their list is often treated so, a wrong system_id sometimes: ask the carrier what their log says")
	}
	return fault(err, "protocol", "what the carrier answered to "+doing+" is not what SMPP has for it", "run it again with --hex and show the carrier the last lines")
}

// notSMPP tells what stands behind the port by its first octets.
func notSMPP(err error, first []byte) error {
	switch {
	case len(first) >= 2 && (first[0] == 0x15 || first[0] == 0x16) && first[1] == 0x03:
		return fault(err, "speaks-tls", "the port speaks TLS, and we did not", "give the carrier a tls section in the configuration")
	case strings.HasPrefix(string(first), "HTTP/"):
		return fault(err, "speaks-http", "a web server answers on this port", "check the port with the carrier")
	}
	return fault(err, "not-smpp", fmt.Sprintf("what answers is not SMPP; it began with % x", first), "check the port with the carrier; something in between may have answered")
}

// bindFaults are the refusals worth words of their own.
var bindFaults = map[pdu.CommandStatus]Fault{
	pdu.StatusBindFail:  {"bind-refused", "the carrier refuses the bind without saying why: system_id or password, an address that is not on their list, a kind of bind that the account may not use, or too many binds", "compare system_id, password, system_type and bind with the carrier's letter, character by character; then ask what their log says"},
	pdu.StatusInvPaswd:  {"password", "the carrier knows the system_id and not this password", "set the password anew; it has at most 8 octets, and longer ones are cut differently by both sides"},
	pdu.StatusInvSysID:  {"system-id", "the carrier does not know this system_id here", "compare it with the carrier's letter; test and live systems have accounts of their own"},
	pdu.StatusInvSysTyp: {"system-type", "the carrier does not take this system_type", "set system_type to what the carrier names; most want it empty"},
	pdu.StatusAlyBnd:    {"binds-in-use", "the account's binds are in use: a running gateway may hold all of them, or the carrier still counts one that was lost", "see `bindery carriers`; stop or shrink a gateway, or wait a minute and try again; ask the carrier how many binds the account has"},
	pdu.StatusThrottled: {"throttled", "the carrier counts too many binds in a short time", "wait a minute; a gateway that keeps failing to bind uses the same allowance"},
	pdu.StatusMsgQFul:   {"busy", "the carrier is too busy to let us in", "try again in a minute; ask the carrier if it lasts"},
	pdu.StatusSysErr:    {"carrier-fault", "the SMSC has a fault of its own", "ask the carrier; there is nothing to set on our side"},
	pdu.StatusInvCmdID:  {"bind-kind", "the SMSC does not know this kind of bind", "set bind: transmitter+receiver instead of transceiver, or the other way round"},
	pdu.StatusInvBndSts: {"bind-state", "the SMSC says that a bind has no place now", "the account may not allow this kind of bind: ask the carrier; try the other kind"},
}

func bindFault(err error, status pdu.CommandStatus) error {
	if f, ok := bindFaults[status]; ok {
		return &explained{&f, err}
	}
	return fault(err, "bind-status", "the carrier refuses the bind with a status of its own: "+status.Action(), "look "+status.String()+" up in the carrier's manual")
}

func submitFault(err error, status pdu.CommandStatus) error {
	return fault(err, "submit-refused", "the carrier took the request and refused the message: "+status.Action(), "if "+status.String()+" is not clear from that, ask the carrier; sender and recipient may have to be registered with them")
}
