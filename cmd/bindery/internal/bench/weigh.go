package bench

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"bindery/internal/redisdb"
)

// What a message weighs, and what each script costs, is measured before and
// after the messages of a run, with others, so that it disturbs nothing.
const (
	heldMost  = 20_000
	heldShare = 5 // of the messages: a fifth
	// Each command is an entry of the slow log, of up to 4 KiB.
	logged       = 20_000
	loggedSingle = 2_000
)

func (o *Options) held() int { return max(warmMessages, min(heldMost, o.Messages/heldShare)) }

func (o *Options) logged(f Form) int {
	if f == Single {
		return min(loggedSingle, o.held())
	}
	return min(logged, o.held())
}

// Weights are octets of Redis' memory and AOF, a message of the run's form; 0 is
// not known.
type Weights struct {
	Queued float64 `json:"queued_bytes_per_message"` // accepted, nothing sent yet
	Live   float64 `json:"live_bytes_per_message"`   // with the carrier, waiting for its receipt
	Ended  float64 `json:"ended_bytes_per_message"`  // delivered, in the history and the status stream
	AOF    float64 `json:"aof_bytes_per_message"`    // written, from the push to the final
}

// weighedLeast messages are needed to weigh one: beside fewer, the tables that
// Redis grows and shrinks meanwhile are the larger part, and may make it negative.
const weighedLeast = 1000

// weight is 0 where it cannot be known.
func weight(grown int64, messages int) float64 {
	if messages < weighedLeast || grown <= 0 {
		return 0
	}
	return float64(grown) / float64(messages)
}

// ScriptStats is what one of our scripts cost Redis, by SLOWLOG: a short phase
// of its own behind the run, in which Redis logs every command.
type ScriptStats struct {
	Name             string  `json:"script"`
	Calls            float64 `json:"calls_per_message"`
	MicrosPerCall    float64 `json:"us_per_call"`
	MicrosPerMessage float64 `json:"us_per_message"`
}

// weighQueued pushes messages to a paused carrier.
func (s *stack) weighQueued(ctx context.Context, r *run) error {
	if err := s.order(ctx, "pause"); err != nil {
		return err
	}
	before, err := s.sample(ctx)
	if err != nil {
		return err
	}
	if err := r.push(ctx, s.o.held()); err != nil {
		return err
	}
	after, err := s.sample(ctx)
	if err != nil {
		return err
	}
	s.weights.Queued = weight(after.memory-before.memory, s.o.held())
	if err := s.order(ctx, "resume"); err != nil {
		return err
	}
	return r.drained(ctx, "draining what was held")
}

func (s *stack) order(ctx context.Context, verb string) error {
	status, err := s.ask(ctx, http.MethodPost, "/v1/carriers/"+account+"/"+verb)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s of the carrier was answered with %d", verb, status)
	}
	return err
}

// weighLive sends messages to a carrier that gives no receipts for an hour. It
// comes last, and nobody waits for these: the ledger does not count them.
func (s *stack) weighLive(ctx context.Context, r *run) error {
	before, err := s.sample(ctx)
	if err != nil {
		return err
	}
	if err := s.smsc.Stop(syscall.SIGINT, stopBound); err != nil {
		return err
	}
	// The record of the carrier that the books are held against is complete.
	if s.smsc, _, err = startCarrier(ctx, s.dir, s.o.Self, s.carrier, time.Hour, filepath.Join(s.dir, "record-live")); err != nil {
		return err
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	if err := r.push(ctx, s.o.held()); err != nil {
		return err
	}
	if err := r.until(ctx, "waiting for the submits", r.l.Begun); err != nil {
		return err
	}
	if r.l.Begun() < r.l.Accepted() {
		return nil // some were not submitted: unknown
	}
	after, err := s.sample(ctx)
	if err != nil {
		return err
	}
	s.weights.Live = weight(after.memory-before.memory, s.o.held())
	return nil
}

// splitScripts sends messages while Redis logs every command with its time, and
// sums by the scripts' names. INFO commandstats has one line for all scripts. The
// ids of the carrier are written without a script: they are "correlate" all the same.
func (s *stack) splitScripts(ctx context.Context, r *run) error {
	const all, never = "0", "-1" // µs
	n := s.o.logged(s.form)
	for _, set := range [][2]string{{"slowlog-max-len", "1000000"}, {"slowlog-log-slower-than", all}} {
		if err := s.client.ConfigSet(ctx, set[0], set[1]).Err(); err != nil {
			return fmt.Errorf("CONFIG SET %s: %w", set[0], err)
		}
	}
	if err := r.further(ctx, "by script", n); err != nil {
		return err
	}
	if err := s.client.ConfigSet(ctx, "slowlog-log-slower-than", never).Err(); err != nil {
		return fmt.Errorf("CONFIG SET slowlog-log-slower-than: %w", err)
	}
	log, err := s.client.SlowLogGet(ctx, -1).Result()
	if err != nil {
		return fmt.Errorf("SLOWLOG GET: %w", err)
	}
	sums := map[string]command{}
	for _, e := range log {
		name := stepOf(e.Args)
		if name == "" {
			continue
		}
		c := sums[name]
		c.calls++
		c.micros += float64(e.Duration.Microseconds())
		sums[name] = c
	}
	s.scripts = perScript(sums, float64(n))
	return s.client.Do(ctx, "SLOWLOG", "RESET").Err()
}

// stepOf names the step that a command is, "" for one that is none.
func stepOf(args []string) string {
	switch {
	case len(args) < 2:
		return ""
	case strings.EqualFold(args[0], "evalsha"):
		return cmp.Or(redisdb.NameOf(args[1]), args[1])
	case strings.EqualFold(args[0], "hset") && strings.Contains(args[1], "}:ids:"):
		return "correlate"
	}
	return ""
}

func perScript(sums map[string]command, messages float64) (list []ScriptStats) {
	for name, c := range sums {
		list = append(list, ScriptStats{name, c.calls / messages, c.micros / c.calls, c.micros / messages})
	}
	slices.SortFunc(list, func(a, b ScriptStats) int {
		return cmp.Or(cmp.Compare(b.MicrosPerMessage, a.MicrosPerMessage), cmp.Compare(a.Name, b.Name))
	})
	return list
}
