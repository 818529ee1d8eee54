package bench

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// Variant is a way to run Kannel.
type Variant string

// As it comes, and tuned in two ways, by what it does with messages that wait.
const (
	KannelDefault Variant = "default" // its own defaults, and a store file
	KannelFile    Variant = "file"    // tuned; writes them to disk before it accepts: what an AOF compares to
	KannelMemory  Variant = "memory"  // tuned; loses them when it dies
)

// untunedMessages is the most that are sent through Kannel as it comes: at some
// hundreds a second a full run would take an hour and say no more.
const untunedMessages = 5000

// Variants are measured in this order.
var Variants = []Variant{KannelDefault, KannelFile, KannelMemory}

// The binds of a tuned Kannel and the submits of each that may be unanswered. It
// is bound by its CPU: 1 to 8 binds of windows from 200 to 1000 gave the same.
const (
	tunedBinds  = 4
	tunedWindow = 500
)

// kannelWindow is max-pending-submits where nothing is set (1.4.5,
// SMPP_MAX_PENDING_SUBMITS).
const kannelWindow = 10

// kannelConnections are those of the load, to each variant; with 4 and 8 it has
// idle moments, 16 to 64 gave the same.
const kannelConnections = 32

// Tuned says whether we changed more than has to be.
func (v Variant) Tuned() bool { return v != KannelDefault }

func (v Variant) binds() int {
	if v.Tuned() {
		return tunedBinds
	}
	return 1
}

func (v Variant) window() int {
	if v.Tuned() {
		return tunedWindow
	}
	return kannelWindow
}

// configure writes the file that both boxes read. A line of it is there for one
// of three reasons: it has to be, it keeps Kannel on loopback, or it makes it
// faster. The last kind is for the tuned variants only, and each says why.
//
// Logs are as Debian has them or less (-v 3, not 4), in every variant.
func (k *kannel) configure(smscHost, smscPort string) (file string, err error) {
	ports := map[string]string{}
	for name, address := range map[string]string{"admin": k.admin, "boxes": k.boxes, "sendsms": k.sendsms} {
		if _, ports[name], err = net.SplitHostPort(address); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	group := func(name string, lines []string) {
		fmt.Fprintf(&b, "group = %s\n%s\n\n", name, strings.Join(lines, "\n"))
	}
	group("core", k.core(ports))
	group("smsbox", k.box(ports))
	group("sendsms-user", []string{"username = " + account, "password = " + k.password})
	group("smsc", k.link(smscHost, smscPort))
	file = filepath.Join(k.dir, "kannel.conf")
	return file, os.WriteFile(file, []byte(b.String()), 0o600)
}

func (k *kannel) core(ports map[string]string) []string {
	lines := []string{
		// The status page says when the binds are up, so it is not left off.
		"admin-port = " + ports["admin"], "admin-interface = 127.0.0.1", "admin-password = " + k.password,
		"smsbox-port = " + ports["boxes"], "smsbox-interface = 127.0.0.1", "box-deny-ip = \"*.*.*.*\"", "box-allow-ip = 127.0.0.1",
		// What a carrier would not take now goes again after 1 s, not 60: a
		// message that waited a minute would be the run's end.
		"sms-resend-freq = 1",
	}
	if k.variant != KannelMemory {
		// An accepted message is to survive a restart, which it does not without
		// a store. Those that write it before sendsms is answered are this and
		// "spool", a file for each message, which reached a third. Neither calls
		// fsync.
		lines = append(lines, "store-type = file", "store-location = "+filepath.Join(k.dir, "store"))
	}
	if k.variant.Tuned() {
		// The fastest storage of receipts' records, and the default, in words;
		// none of the others is asked for by "file", though without one a restart
		// forgets who waits for a receipt.
		lines = append(lines, "dlr-storage = internal")
	}
	return lines
}

func (k *kannel) box(ports map[string]string) []string {
	lines := []string{"bearerbox-host = 127.0.0.1", "sendsms-port = " + ports["sendsms"], "sendsms-interface = 127.0.0.1"}
	if k.variant.Tuned() {
		lines = append(lines, "log-level = 3", // errors only
			// Callbacks that failed are tried again, soon.
			"http-request-retry = 5", "http-queue-delay = 1")
	}
	return lines
}

func (k *kannel) link(host, port string) []string {
	lines := []string{"smsc = smpp", "smsc-id = " + account, "host = " + host, "port = " + port, "smsc-username = bench", "smsc-password = bench",
		`system-type = ""`, // it does not start without
		// Receipts come over a bind that receives. Its default is a transmitter, which
		// would need a group of its own for a receiver beside it, and then a receipt
		// that comes right behind the response overtakes it, and Kannel loses it (163
		// of 10,000).
		"transceiver-mode = true",
	}
	if k.variant.Tuned() {
		lines = append(lines, "log-level = 3",
			fmt.Sprintf("instances = %d", tunedBinds), fmt.Sprintf("max-pending-submits = %d", tunedWindow),
			// A throughput would be a limit: there is none.
			"reconnect-delay = 1")
	}
	return lines
}
