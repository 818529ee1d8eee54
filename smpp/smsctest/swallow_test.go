package smsctest

import (
	"slices"
	"testing"
)

// However it is cut on its way, a transaction is one request, and its reply is
// that to EXEC.
func TestTransactionIsOneRequest(t *testing.T) {
	const (
		ping  = "*1\r\n$4\r\nping\r\n"
		whole = "*1\r\n$5\r\nmulti\r\n*2\r\n$3\r\nget\r\n$4\r\nexec\r\n*1\r\n$4\r\nexec\r\n"
		all   = ping + whole + ping
	)
	for piece := 1; piece <= len(all); piece++ {
		f := framed{frame: respWhole}
		var got []string
		for b := range slices.Chunk([]byte(all), piece) {
			if err := f.each(b, func(request []byte) error { got = append(got, string(request)); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, []string{ping, whole, ping}) {
			t.Fatalf("in pieces of %d: %q", piece, got)
		}
	}
	for reply, want := range map[string]bool{
		"+OK\r\n+QUEUED\r\n": false, "+QUEUED\r\n*1\r\n$-1\r\n": true, "-EXECABORT\r\n": true,
	} {
		if executed(transaction([]byte(whole)), []byte(reply)) != want {
			t.Errorf("%q: executed is %v", reply, !want)
		}
	}
	if !executed(transaction([]byte(ping)), []byte("+PONG\r\n")) {
		t.Error("a word is the reply to a request alone")
	}
}
