package redisdb

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Found is what the start-up check found. A setting that the server does not
// tell (a managed Redis without CONFIG, miniredis) is unknown, and said so.
type Found struct {
	Warnings []string
	Version  string // "" unknown
	// MaxMemory in octets; 0: no limit or unknown.
	MaxMemory uint64
}

// ErrUnsuitable is why a Redis is refused; waiting does not mend it.
var ErrUnsuitable = errors.New("redisdb: this Redis is refused")

// Check reads CONFIG and INFO of the Redis. It refuses a maxmemory-policy that
// evicts keys (the queue would lose messages silently); everything else is a
// warning.
func (db *DB) Check(ctx context.Context) (Found, error) {
	var f Found
	if err := db.Ping(ctx).Err(); err != nil {
		return f, fmt.Errorf("redisdb: %w", err)
	}
	info := db.info(ctx, "server", "memory")
	f.Version = info["redis_version"]
	f.MaxMemory, _ = strconv.ParseUint(info["maxmemory"], 10, 64)
	f.warnVersion()
	policy := db.setting(ctx, "maxmemory-policy", info["maxmemory_policy"])
	switch policy {
	case "noeviction":
	case "":
		f.warn("maxmemory-policy is unknown: anything but noeviction loses messages")
	default:
		return f, fmt.Errorf("%w: maxmemory-policy is %q: it evicts keys and so loses messages; set noeviction", ErrUnsuitable, policy)
	}
	db.checkAppendOnly(ctx, &f)
	return f, nil
}

func (f *Found) warn(format string, args ...any) {
	f.Warnings = append(f.Warnings, fmt.Sprintf(format, args...))
}

func (f *Found) warnVersion() {
	if f.Version == "" {
		f.warn("the server's version is unknown")
		return
	}
	major, _, _ := strings.Cut(f.Version, ".")
	if n, err := strconv.Atoi(major); err == nil && n < 7 {
		f.warn("Redis %s is older than 7: when it is full the queue cannot drain by itself", f.Version)
	}
}

func (db *DB) checkAppendOnly(ctx context.Context, f *Found) {
	switch aof := db.setting(ctx, "appendonly", ""); aof {
	case "yes":
	case "":
		f.warn("appendonly is unknown")
		return
	default:
		f.warn("appendonly is %q: messages are lost when Redis restarts; set appendonly yes", aof)
		return
	}
	if db.setting(ctx, "appendfsync", "") == "no" {
		f.warn("appendfsync is no: a power loss takes what the kernel had not written")
	}
	if db.setting(ctx, "auto-aof-rewrite-percentage", "") == "100" {
		f.warn("auto-aof-rewrite-percentage is at its default 100: each rewrite costs seconds of CPU a GB; 400 suits a queue")
	}
	if db.setting(ctx, "lazyfree-lazy-expire", "") == "no" {
		f.warn("lazyfree-lazy-expire is no: a large key that expires stops Redis for as long as freeing it takes")
	}
}

// setting is a CONFIG value, or other when CONFIG is not to be had.
func (db *DB) setting(ctx context.Context, name, other string) string {
	m, err := db.ConfigGet(ctx, name).Result()
	if err != nil || m[name] == "" {
		return other
	}
	return m[name]
}

// info reads sections one by one: some servers refuse several at once. What
// cannot be read is absent.
func (db *DB) info(ctx context.Context, sections ...string) map[string]string {
	fields := map[string]string{}
	for _, section := range sections {
		text, err := db.Info(ctx, section).Result()
		if err != nil {
			continue
		}
		for line := range strings.Lines(text) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
				fields[name] = value
			}
		}
	}
	return fields
}

// Memory is a Redis's memory, in octets; Max 0: no limit, or unknown.
type Memory struct {
	Used, Max uint64
	at        time.Time
}

// Filling: at least 90 % of maxmemory is used. Ingress stops taking then, so
// that what is queued keeps room to drain.
func (m Memory) Filling() bool { return m.Max > 0 && m.Used >= m.Max/10*9 }

// memoryProbe holds the last probe; asking guards that only one caller asks
// at a time, the others take the last one.
type memoryProbe struct {
	last   atomic.Pointer[Memory]
	asking atomic.Bool
}

// memoryAge is how long a probe is good for: ingress asks before each push.
const memoryAge = time.Second

// Memory probes the server (of a cluster: the fullest master), at most once a
// second; in between, and when the server does not tell, the last answer stands.
func (db *DB) Memory(ctx context.Context) Memory {
	last := db.memory.last.Load()
	if last != nil && time.Since(last.at) < memoryAge || !db.memory.asking.CompareAndSwap(false, true) {
		if last == nil {
			return Memory{}
		}
		return *last
	}
	defer db.memory.asking.Store(false)
	m := db.probe(ctx)
	m.at = time.Now()
	db.memory.last.Store(&m)
	return m
}

func parseMemory(info map[string]string) Memory {
	var m Memory
	m.Used, _ = strconv.ParseUint(info["used_memory"], 10, 64)
	m.Max, _ = strconv.ParseUint(info["maxmemory"], 10, 64)
	return m
}

func (m Memory) share() float64 {
	if m.Max == 0 {
		return 0
	}
	return float64(m.Used) / float64(m.Max)
}
