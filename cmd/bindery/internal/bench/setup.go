package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"bindery/cmd/bindery/internal/bench/child"
	"bindery/cmd/bindery/internal/bench/ledger"
)

// startCarrier starts the simulated carrier that every run has, ours and
// Kannel's: random 64-bit ids in hex, a receipt for each message. It says where
// it listens: a port that was free a moment ago may be another's by now.
func startCarrier(ctx context.Context, dir, self, listen string, after time.Duration, record string) (c *child.Child, address string, err error) {
	args := []string{"simulate", "--listen", listen, "--quiet", "--json", "--receipt-window", "-1", "--record", record}
	if after > 0 {
		args = append(args, "--receipts", "after", "--receipt-delay", after.String())
	} else {
		args = append(args, "--receipts", "with") // in one write with the response
	}
	if c, err = child.Start(dir, carrierName, self, args...); err != nil {
		return nil, "", err
	}
	err = c.Until(ctx, "listening", startBound, func() bool {
		said, ok := strings.CutPrefix(c.Tail(), "listening on ")
		address = said
		return ok && reachable(said)
	})
	return c, address, err
}

// anyPort lets the carrier choose.
const anyPort = "127.0.0.1:0"

func reachable(address string) bool {
	conn, err := net.Dial("tcp", address)
	return err == nil && conn.Close() == nil
}

const carrierName = "carrier"

// totals are what the carrier counted, said at its end.
type totals struct {
	Receipts uint64 `json:"receipts"`
	Acked    uint64 `json:"acked"`
}

func readTotals(log string) (t totals, err error) {
	b, err := os.ReadFile(log)
	if err != nil {
		return t, err
	}
	b = bytes.TrimSpace(b)
	if err := json.Unmarshal(b[bytes.LastIndexByte(b, '\n')+1:], &t); err != nil {
		return t, fmt.Errorf("the carrier's totals: %w", err)
	}
	return t, nil
}

// accountID is that of the i-th sender; the first is also the carrier's, where
// there is one.
func accountID(i int) string {
	if i == 0 {
		return account
	}
	return fmt.Sprintf("%s%d", account, i)
}

// startRedis takes the settings that the README asks for. With --aof-rewrite the
// AOF is rewritten from 16 MiB on, so that a run sees it.
func (s *stack) startRedis(ctx context.Context, address string) (err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	percentage, least := "400", "64mb"
	if s.o.AOFRewrite > 0 {
		percentage, least = fmt.Sprint(s.o.AOFRewrite), "16mb"
	}
	s.redis, err = child.Start(s.dir, "redis-server", "redis-server", "--bind", host, "--port", port, "--dir", s.dir,
		"--appendonly", "yes", "--appendfsync", s.o.Fsync, "--save", "", "--maxmemory-policy", "noeviction",
		"--auto-aof-rewrite-percentage", percentage, "--auto-aof-rewrite-min-size", least,
		"--rdbcompression", "no", "--lazyfree-lazy-expire", "yes")
	if err != nil {
		return err
	}
	s.client = redis.NewClient(&redis.Options{Addr: address, MaxRetries: -1, ReadTimeout: 30 * time.Second})
	return s.redis.Until(ctx, "the first answer", startBound, func() bool { return s.client.Ping(ctx).Err() == nil })
}

func (s *stack) startGateway(ctx context.Context, memory string) (err error) {
	file := filepath.Join(s.dir, "bindery.yaml")
	if err := os.WriteFile(file, []byte(s.configuration(memory)), 0o600); err != nil {
		return err
	}
	if s.gateway, err = child.Start(s.dir, "gateway", s.o.Self, "serve", "--config", file); err != nil {
		return err
	}
	return s.ready(ctx)
}

// configuration is the gateway's. Several carriers have the numbers in turn, by
// their first digits.
func (s *stack) configuration(memory string) string {
	var b strings.Builder
	history := ""
	if s.o.History > 0 {
		history = fmt.Sprintf(", history: {age: %s}", s.o.History)
	}
	fmt.Fprintf(&b, "redis: {url: \"redis://%s/0\"%s}\nhttp: {listen: %q}\naccounts:\n", memory, history, s.address)
	for i, key := range s.keys {
		fmt.Fprintf(&b, "  - {id: %s, api_key: %s, admin: %t}\n", accountID(i), key, i == 0)
	}
	b.WriteString("carriers:\n")
	for i := range s.carriers {
		fmt.Fprintf(&b, "  - {id: %s, address: %q, system_id: bench, password: bench, binds: %d, window: %d, rate: 0}\n", accountID(i), s.carrier, s.binds, s.o.Window)
	}
	b.WriteString("routes:\n")
	for i := range s.carriers {
		match := ""
		if s.carriers > 1 {
			match = fmt.Sprintf(", match: {prefix: [\"+%s%03d\"]}", ledger.Prefix, i)
		}
		fmt.Fprintf(&b, "  - {id: r%d%s, carriers: [%s]}\n", i, match, accountID(i))
	}
	return b.String()
}
