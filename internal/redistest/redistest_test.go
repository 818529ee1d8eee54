package redistest

import (
	"errors"
	"net"
	"strings"
	"testing"
)

func TestPortsDiffer(t *testing.T) {
	seen := map[int]bool{}
	for _, port := range free(t, 50) {
		if seen[port] {
			t.Errorf("port %d twice", port)
		}
		seen[port] = true
	}
}

// TestTakenPort: a server that finds its port taken says so at once, so that Start
// can take another.
func TestTakenPort(t *testing.T) {
	s := Start(t)
	s.Kill(t)
	l, err := net.Listen("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := s.run(t); !errors.Is(err, errTaken) || !strings.Contains(err.Error(), "Address already in use") {
		t.Errorf("%v", err)
	}
}
