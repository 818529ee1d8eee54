package ingress

import (
	"strconv"
	"testing"
)

// BenchmarkSingle is a message sent alone, all but Redis and its body.
func BenchmarkSingle(b *testing.B) {
	d, err := NewDoor(Config{Queue: &nowhere{}, Routes: testRoutes()})
	if err != nil {
		b.Fatal(err)
	}
	drafts := []Draft{{To: "+821012345678", From: "15441234", Text: "Hello, your code is 123456", Reference: "order-123456"}}
	b.ReportAllocs()
	for b.Loop() {
		if r := d.Accept(b.Context(), acme, drafts, nil); r[0].Err != nil {
			b.Fatal(r[0].Err)
		}
	}
}

// BenchmarkBatch is a recipient of a batch of a thousand, each with a text of
// its own, all but Redis and the body.
func BenchmarkBatch(b *testing.B) {
	d, err := NewDoor(Config{Queue: &nowhere{}, Routes: testRoutes()})
	if err != nil {
		b.Fatal(err)
	}
	batch := &Batch{Draft: Draft{From: "15441234", Text: "Hello, your code is {{code}}"}, Recipients: make([]Recipient, 1000)}
	for i := range batch.Recipients {
		batch.Recipients[i] = Recipient{To: "+821012345678", Values: []Value{{"code", strconv.Itoa(100_000 + i)}}}
	}
	b.ReportAllocs()
	for n := 0; n < b.N; n += len(batch.Recipients) {
		if r := d.Batch(b.Context(), acme, batch, nil); r.Err != nil || r.Accepted != len(batch.Recipients) {
			b.Fatalf("%+v", r)
		}
	}
}
