package config

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// checker holds what is said of settings against their ranges and against each
// other. A path that has a problem already is not spoken of again.
type checker struct {
	lines    lines
	problems []Problem
	files    environment
	dir      string
	// systemIDs are those by which somebody may bind to us, each with the path
	// of whom it belongs to.
	systemIDs map[string]string
}

func (k *checker) problem(path, format string, args ...any) {
	p := Problem{k.lines.of(path), path, fmt.Sprintf(format, args...)}
	for _, known := range k.problems {
		if known.Path == path && known.Line == p.Line {
			return
		}
	}
	k.problems = append(k.problems, p)
}

// given tells whether the file has the key.
func (k *checker) given(path string) bool {
	_, ok := k.lines[path]
	return ok
}

// required reports a key that is missing or empty.
func (k *checker) required(path, value string) bool {
	switch {
	case value != "":
		return true
	case k.given(path):
		k.problem(path, "is empty")
	default:
		k.problem(path, "is missing")
	}
	return false
}

func (k *checker) within(path string, n, least, most int) {
	if n < least || n > most {
		k.problem(path, "%d is not within %d..%d", n, least, most)
	}
}

func (k *checker) lasting(path string, d, least, most time.Duration) {
	if d < least || d > most {
		k.problem(path, "%s is not within %s..%s", short(d), short(least), short(most))
	}
}

// short writes a duration without the zeros of Duration.String.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (k *checker) oneOf(path, word string, words ...string) {
	if !slices.Contains(words, word) {
		k.problem(path, "%s is not one of %s", quote(word), strings.Join(words, ", "))
	}
}

// quote shows a value in an error, cut short. It is not for secrets.
func quote(s string) string {
	if len(s) > 64 {
		s = s[:64] + "…"
	}
	return strconv.Quote(s)
}

// credentials checks what somebody binds to us with; no two may have one
// system_id.
func (k *checker) credentials(path, systemID string, password Secret) {
	if k.required(path+".system_id", systemID) {
		k.octets(path+".system_id", systemID, maxSystemID)
		if first, twice := k.systemIDs[systemID]; twice {
			k.problem(path+".system_id", "%s is that of %s already", quote(systemID), first)
		}
		k.systemIDs[systemID] = path
	}
	if k.required(path+".password", string(password)) {
		k.octets(path+".password", string(password), maxPassword)
	}
}

const maxID = 64

// id checks an id's form and that no other of its kind has it; seen is by id.
func (k *checker) id(path, id string, seen map[string]string) {
	if !k.required(path, id) {
		return
	}
	bad := strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789_-")
	if bad != "" || len(id) > maxID {
		k.problem(path, "%s is no id: 1 to %d of a-z, 0-9, _ and -", quote(id), maxID)
		return
	}
	if first, twice := seen[id]; twice {
		k.problem(path, "%s is the id of %s already", quote(id), first)
		return
	}
	seen[id] = strings.TrimSuffix(path, ".id")
}

// octets checks a field of a bind PDU, which ends with a NUL.
func (k *checker) octets(path string, value string, most int) {
	switch {
	case strings.IndexByte(value, 0) >= 0:
		k.problem(path, "holds a NUL octet, which ends it in SMPP")
	case len(value) > most:
		k.problem(path, "has %d octets; SMPP allows %d", len(value), most)
	}
}

// Longest fields of a bind PDU without their NUL (SMPP 3.4 §5.2.1 to 5.2.3).
const (
	maxSystemID   = 15
	maxPassword   = 8
	maxSystemType = 12
	// maxServiceType is that of a message's field (§5.2.11).
	maxServiceType = 5
)

// address checks host:port; a listener's host may be left out.
func (k *checker) address(path, addr string, listener bool) {
	if !k.required(path, addr) {
		return
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		k.problem(path, "%s is not host:port", quote(addr))
		return
	}
	least := uint64(1)
	if listener {
		least = 0 // any free port
	}
	n, err := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil || n < least:
		k.problem(path, "%s: the port is not within %d..65535", quote(addr), least)
	case host == "" && !listener:
		k.problem(path, "%s names no host", quote(addr))
	case strings.ContainsAny(host, " /@"):
		k.problem(path, "%s: the host is no name or address", quote(addr))
	}
}
