package dlr

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"bindery/queue"
)

// A parked receipt is kept as
//
//	version 1, time 6 (ms since 1970, big endian), status 1,
//	then each with its length in one octet: code, destination,
//	and each id.
//
// Two receipts that differ in their first seven octets only are repeats of
// each other. What lies in Redis is not trusted: it is read strictly.
const (
	parkedVersion = 1
	parkedTime    = 1
	parkedBody    = 7 // what drop.lua and find.lua compare begins here
	maxParkedID   = 255
	maxParkedIDs  = 4
	maxParkedCode = 32
	maxParkedTo   = 32
)

var errParked = errors.New("dlr: parked receipt cannot be read")

// clean makes a receipt one that comes back from parked octets as it is: ids
// without NUL, which no C-octet string holds, all within the bounds.
func (r Receipt) clean() Receipt {
	ids := r.IDs
	if len(ids) > maxParkedIDs {
		ids = ids[:maxParkedIDs]
	}
	for i, id := range ids {
		if c := cleanID(id); c != id {
			ids = append([]string(nil), ids...)
			ids[i] = c
		}
	}
	r.IDs, r.Code, r.To = ids, cut(r.Code, maxParkedCode), cut(r.To, maxParkedTo)
	return r
}

func cleanID(id string) string {
	return cut(strings.ReplaceAll(id, "\x00", ""), maxParkedID)
}

func cut(s string, n int) string { return s[:min(len(s), n)] }

// appendParked appends a clean receipt.
func appendParked(dst []byte, r *Receipt) []byte {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(r.At.UnixMilli(), 0)))
	dst = append(dst, parkedVersion)
	dst = append(dst, ms[2:]...)
	dst = append(dst, byte(r.Status))
	dst = appendShort(dst, r.Code)
	dst = appendShort(dst, r.To)
	for _, id := range r.IDs {
		dst = appendShort(dst, id)
	}
	return dst
}

func appendShort(dst []byte, s string) []byte {
	return append(append(dst, byte(len(s))), s...)
}

func parseParked(s string) (Receipt, error) {
	var r Receipt
	if len(s) < parkedBody+1 || s[0] != parkedVersion || queue.Status(s[parkedBody]) > queue.StatusEnroute {
		return r, errParked
	}
	var ms [8]byte
	copy(ms[2:], s[parkedTime:parkedBody])
	r.At = time.UnixMilli(int64(binary.BigEndian.Uint64(ms[:])))
	r.Status = queue.Status(s[parkedBody])
	s = s[parkedBody+1:]
	var fields []string
	for len(s) > 0 {
		n := int(s[0])
		if len(s) < 1+n || len(fields) == 2+maxParkedIDs {
			return Receipt{}, errParked
		}
		fields = append(fields, s[1:1+n])
		s = s[1+n:]
	}
	if len(fields) < 2 || len(fields[0]) > maxParkedCode || len(fields[1]) > maxParkedTo {
		return Receipt{}, errParked
	}
	r.Code, r.To = fields[0], fields[1]
	if ids := fields[2:]; len(ids) > 0 {
		r.IDs = ids
	}
	return r, nil
}

// parkIDs appends the ids under which a clean receipt is parked; the first of
// them is the one that is looked at.
func (h *Home) parkIDs(dst []string, r *Receipt) []string {
	for _, id := range r.IDs {
		if n := h.o.Submit.Normal(id); !slices.Contains(dst, n) {
			dst = append(dst, n)
		}
	}
	return dst
}
