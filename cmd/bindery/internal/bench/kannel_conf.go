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

// What Kannel does with messages that wait.
const (
	KannelFile   Variant = "file"   // writes them to disk before it accepts: what an AOF compares to
	KannelMemory Variant = "memory" // loses them when it dies
)

// Variants are measured in this order.
var Variants = []Variant{KannelFile, KannelMemory}

// Kannel's binds and the submits of each that may be unanswered. It is bound by
// its CPU: 1 to 8 binds of windows from 200 to 1000 gave the same, the default
// window of 10 a third.
const (
	kannelBinds  = 4
	kannelWindow = 500
)

// kannelConnections are those of the load; with 4 and 8 it has idle moments, 16
// to 64 gave the same.
const kannelConnections = 32

// configure writes the file that both boxes read. A line of it is there for one
// of three reasons: it has to be, it keeps Kannel on loopback, or it makes it
// faster; each of the last kind says why.
func (k *kannel) configure(smscHost, smscPort string) (file string, err error) {
	ports := map[string]string{}
	for name, address := range map[string]string{"admin": k.admin, "boxes": k.boxes, "sendsms": k.sendsms} {
		if _, ports[name], err = net.SplitHostPort(address); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	group := func(name string, lines ...string) {
		fmt.Fprintf(&b, "group = %s\n%s\n\n", name, strings.Join(lines, "\n"))
	}
	core := []string{
		"admin-port = " + ports["admin"], "admin-interface = 127.0.0.1", "admin-password = " + k.password,
		"smsbox-port = " + ports["boxes"], "smsbox-interface = 127.0.0.1", "box-deny-ip = \"*.*.*.*\"", "box-allow-ip = 127.0.0.1",
		// The fastest storage of receipts' records; none of the others is asked for
		// by "file", though without one a restart forgets who waits for a receipt.
		"dlr-storage = internal",
		// What a carrier would not take now goes again after 1 s, not 60: a
		// message that waited a minute would be the run's end.
		"sms-resend-freq = 1",
	}
	if k.variant == KannelFile {
		// The stores that write a message before sendsms is answered are this and
		// "spool", a file for each message, which reached a third. Neither calls
		// fsync.
		core = append(core, "store-type = file", "store-location = "+filepath.Join(k.dir, "store"))
	}
	group("core", core...)
	group("smsbox", "bearerbox-host = 127.0.0.1", "sendsms-port = "+ports["sendsms"], "sendsms-interface = 127.0.0.1",
		"log-level = 3", // errors only
		// Callbacks that failed are tried again, soon.
		"http-request-retry = 5", "http-queue-delay = 1")
	group("sendsms-user", "username = "+account, "password = "+k.password, "max-messages = 1")
	group("smsc", "smsc = smpp", "smsc-id = "+account, "host = "+smscHost, "port = "+smscPort, "smsc-username = bench", "smsc-password = bench",
		`system-type = ""`, "transceiver-mode = true", "log-level = 3",
		fmt.Sprintf("instances = %d", kannelBinds),
		fmt.Sprintf("max-pending-submits = %d", kannelWindow),
		// A throughput would be a limit: there is none.
		"reconnect-delay = 1")
	file = filepath.Join(k.dir, "kannel.conf")
	return file, os.WriteFile(file, []byte(b.String()), 0o600)
}
