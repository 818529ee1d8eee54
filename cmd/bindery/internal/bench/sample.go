package bench

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"bindery/cmd/bindery/internal/bench/child"
)

// sample is what the processes have used up to a moment.
type sample struct {
	cpu      map[string]time.Duration // by process; -1: not known
	peak     map[string]int64         // the most memory held so far, octets, by process; -1: not known
	machine  time.Duration            // used by all processes of the machine; -1: not known
	memory   int64                    // of Redis, octets, without buffers of clients and AOF
	used     int64                    // the same with them
	aof      int64                    // octets
	rewrites int64                    // of the AOF, ended
	commands map[string]command

	allocations float64 // of the gateway's heap, since its start
}

// command is a command of Redis, by INFO commandstats. What scripts call counts
// as itself and in its script.
type command struct{ calls, micros float64 }

// Processes in the order of the way that a message takes, ours first.
var Processes = []string{"load", "gateway", "redis", "smsbox", "bearerbox", "smsc"}

// sampleOf asks the system about the children and this process, the load.
func sampleOf(children map[string]*child.Child) sample {
	x := sample{cpu: map[string]time.Duration{"load": child.OwnCPU()}, peak: map[string]int64{}, machine: child.MachineCPU()}
	for name, c := range children {
		x.cpu[name], x.peak[name] = c.CPU(), c.Peak()
	}
	return x
}

func (s *stack) children() map[string]*child.Child {
	return map[string]*child.Child{"gateway": s.gateway, "redis": s.redis, "smsc": s.smsc}
}

func (s *stack) sample(ctx context.Context) (sample, error) {
	x := sampleOf(s.children())
	x.commands = map[string]command{}
	// One after the other: not every Redis takes several sections at once.
	numbers := map[string]int64{}
	for _, section := range []string{"memory", "persistence", "commandstats"} {
		info, err := s.client.Info(ctx, section).Result()
		if err != nil {
			return x, fmt.Errorf("INFO %s: %w", section, err)
		}
		for lines := bufio.NewScanner(strings.NewReader(info)); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ":")
			if of, ok := strings.CutPrefix(name, "cmdstat_"); ok {
				x.commands[of] = parseCommand(value)
			} else if n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64); err == nil {
				numbers[name] = n
			}
		}
	}
	x.used, x.rewrites = numbers["used_memory"], numbers["aof_rewrites"]
	x.memory = numbers["used_memory"] - numbers["mem_clients_normal"] - numbers["mem_aof_buffer"]
	x.aof = numbers["aof_current_size"]
	return x, s.metrics(ctx, func(line string) {
		if value, ok := strings.CutPrefix(line, "go_memstats_mallocs_total "); ok {
			x.allocations, _ = strconv.ParseFloat(value, 64) // 0: not told
		}
	})
}

// metrics calls do with each line of the gateway's.
func (s *stack) metrics(ctx context.Context, do func(line string)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+"/metrics", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		do(lines.Text())
	}
	return lines.Err()
}

// parseCommand reads "calls=10,usec=25,usec_per_call=2.50,…".
func parseCommand(value string) (c command) {
	for pair := range strings.SplitSeq(value, ",") {
		name, number, _ := strings.Cut(pair, "=")
		n, err := strconv.ParseFloat(number, 64)
		if err != nil {
			continue // a field that is no number is none of the two
		}
		switch name {
		case "calls":
			c.calls = n
		case "usec":
			c.micros = n
		}
	}
	return c
}
