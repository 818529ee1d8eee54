package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"

	"bindery/cmd/bindery/internal/bench/child"
)

// startCarrier starts the simulated carrier that every run has, ours and
// Kannel's: random 64-bit ids in hex, a receipt for each message.
func startCarrier(ctx context.Context, dir, self, address string, after time.Duration, record string) (*child.Child, error) {
	args := []string{"simulate", "--listen", address, "--quiet", "--json", "--receipt-window", "-1", "--record", record}
	if after > 0 {
		args = append(args, "--receipts", "after", "--receipt-delay", after.String())
	} else {
		args = append(args, "--receipts", "with") // in one write with the response
	}
	c, err := child.Start(dir, carrierName, self, args...)
	if err != nil {
		return nil, err
	}
	return c, c.Until(ctx, "listening", startBound, func() bool { return reachable(address) })
}

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
