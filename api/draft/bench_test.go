package draft

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// BenchmarkBatch is a recipient of a batch of a thousand, with a value.
func BenchmarkBatch(b *testing.B) {
	const recipients = 1000
	var body strings.Builder
	body.WriteString(`{"from":"1544","text":"Your code is {{code}}","recipients":[`)
	for i := range recipients {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"to":"+8210%08d","values":{"code":"%06d"}}`, i, i)
	}
	body.WriteString("]}")
	b.ReportAllocs()
	for n := 0; n < b.N; n += recipients {
		if batch, err := Batch(body.String()); err != nil || len(batch.Recipients) != recipients {
			b.Fatal(err)
		}
	}
}

// BenchmarkLines is a line of a stream, cut and read.
func BenchmarkLines(b *testing.B) {
	const lines = 1000
	body := strings.Repeat(good+"\n", lines)
	b.ReportAllocs()
	for n := 0; n < b.N; n += lines {
		r := NewLines(strings.NewReader(body), func(time.Duration) {})
		for {
			line, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			if _, fault := Message(line); fault != nil {
				b.Fatal(fault)
			}
		}
	}
}
