package main

import (
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"bindery/internal/redistest"
	"bindery/smpp/smsctest"
)

// door is some gateways on one Redis before one carrier, with an account that
// is an admin.
type door struct {
	t     *testing.T
	redis *redistest.Server
	c     *redis.Client
	smsc  *smsctest.SMSC
	ps    []*process
}

const nocKey = "noc-key-0123456789abcdef"

func newDoor(t *testing.T, gateways int, account string) *door {
	t.Helper()
	d := &door{t: t, redis: redistest.Start(t, durable...), smsc: smsctest.New(smsctest.Options{Receipts: smsctest.Receipts{When: smsctest.With}})}
	d.c = d.redis.Client(t)
	if err := d.smsc.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.smsc.Close() })
	for range gateways {
		d.start(account)
	}
	return d
}

func (d *door) start(account string) *process {
	d.t.Helper()
	p := serve(d.t, fmt.Sprintf(`
redis: {url: %q, lease: 5s}
http: {listen: "127.0.0.1:0"}
accounts:
  - {id: acme, api_key: %q%s}
  - {id: noc, api_key: %q, admin: true}
carriers:
  - {id: alpha, address: %q, system_id: bindery, password: secret, binds: 2, window: 50, rate: 0}
routes:
  - {id: default, match: {prefix: ["+82", "+44"]}, carriers: [alpha]}
`, d.redis.URL(), key, account, nocKey, d.smsc.Addr()))
	p.ready()
	d.ps = append(d.ps, p)
	return p
}

// accepted counts blocks.
func (d *door) accepted() int {
	d.t.Helper()
	keys, err := d.c.Keys(d.t.Context(), "bindery:*:slots:*").Result()
	if err != nil {
		d.t.Fatal(err)
	}
	return len(keys)
}

func (p *process) lines(body string, header ...string) []byte {
	p.t.Helper()
	a := p.do("POST", "/v1/messages", key, body, append([]string{"Content-Type", "application/x-ndjson"}, header...)...)
	if a.code != 200 || a.head.Get("Content-Type") != "application/x-ndjson" {
		p.t.Fatalf("%d %s", a.code, a.body)
	}
	return a.body
}

// problem is an error body, or what a line is answered in its place.
type problem struct {
	Status int
	Errors []struct{ Field, Message string }
}
