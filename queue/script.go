package queue

import (
	"context"
	"embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"bindery/internal/redisdb"
)

//go:embed lua/*.lua
var luaFiles embed.FS

// words are the numbers behind the words in capitals in lua/*.lua: put in as
// text, since a local that closures share costs each call.
var words = map[string]int{
	"QUEUED": int(stateQueued), "SCHEDULED": int(stateScheduled), "HELD": int(stateHeld), "RETRY": int(stateRetry),
	"LEASED": int(stateLeased), "WRITING": int(stateWriting), "SUBMITTED": int(stateSubmitted), "UNCERTAIN": int(stateUncertain),
	"DELIVERED": int(stateDelivered), "UNDELIVERED": int(stateUndelivered), "EXPIRED": int(stateExpired),
	"REJECTED": int(stateRejected), "FAILED": int(stateFailed), "CANCELED": int(stateCanceled), "UNKNOWN": int(stateUnknown),
	"SURPLUS": int(stateSurplus),
	"MAYBE":   flagMaybeSent, "TAKEN": flagTaken, "TOLD": flagTold, "LAST": flagLast, "OUT": flagOut, "HOLD": flagHold, "URGENT": flagUrgent,
	"V_SUBMITTED": int(Submitted), "V_REFUSED": int(Refused), "V_BACK": int(Back), "V_RETRY": int(Retry), "V_FAILED": int(Failed),
	"V_EXPIRED": int(Expired), "V_UNCERTAIN": int(Uncertain), "V_SURPLUS": int(Surplus),
	// places in a decoded slot
	"STATE": 1, "FLAGS": 2, "TRIES": 3, "POSITION": 4, "CARRIER": 5, "ERROR": 6, "LEASE": 7, "SUBMITTED_AT": 8, "ENDED_AT": 9,
	"DIRTY": 10, "WHY": 11,
	// places in an open block
	"B_NAME": 1, "B_RAW": 2, "B_FIRST": 3, "B_N": 4, "B_PARTS": 5, "B_CHANGED": 6, "B_SPANS": 7, "B_PENDING": 8, "B_ACCOUNT": 9,
	"B_MISSED": 10, "B_TEXT": 11, "B_AT": 12, "B_OPENING": 13, "B_CLOSING": 14, "B_CLOCK": 15, "B_RECORDS": 16, "B_SIZE": 17, "B_LINES": 18,
}

var capitals = regexp.MustCompile(`\b[A-Z][A-Z_]+\b`)

// script joins a script with the pieces that it uses; its first line, which
// says whether it may run on a full Redis, stays the first.
func script(name string, pieces ...string) *redisdb.Script {
	first, rest, _ := strings.Cut(lua(name), "\n")
	var b strings.Builder
	b.WriteString(first + "\n")
	for _, piece := range pieces {
		b.WriteString(lua(piece))
	}
	b.WriteString(rest)
	source := capitals.ReplaceAllStringFunc(b.String(), func(word string) string {
		switch n, ok := words[word]; {
		case ok:
			return strconv.Itoa(n)
		case word == "CODES":
			return luaList(codeWords[1:])
		case word == "MESSAGES":
			return luaList(codeMessages[1:])
		}
		return word
	})
	return redisdb.NewScript(name, source)
}

// luaList writes strings without quotes in them as a list's members.
func luaList(list []string) string { return "'" + strings.Join(list, "', '") + "'" }

func lua(name string) string {
	source, err := luaFiles.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err) // embedded: a wrong name fails every test
	}
	return string(source)
}

var scripts []*redisdb.Script // all, for Start

func declare(name string, pieces ...string) *redisdb.Script {
	s := script(name, pieces...)
	scripts = append(scripts, s)
	return s
}

var (
	acceptScript  = declare("accept", "base", "counts", "lanes")
	leaseScript   = declare("lease", "base", "row", "counts", "slots", "lanes")
	settleScript  = declare("settle", "base", "row", "counts", "slots", "body", "lanes", "waits", "events", "ends", "waiting")
	markScript    = declare("mark", "base", "row", "slots")
	finishScript  = declare("finish", "base", "counts", "slots", "body", "waits", "events", "ends")
	cancelScript  = declare("cancel", "base", "counts", "slots", "body", "waits", "events", "ends")
	enterScript   = declare("enter", "base", "row")
	renewScript   = declare("renew", "base", "row")
	leaveScript   = declare("leave", "base", "row")
	reclaimScript = declare("reclaim", "base", "row", "counts", "slots", "body", "lanes", "waits", "events", "ends", "waiting")
	owedScript    = declare("owed", "base", "slots")
	dueScript     = declare("due", "base", "counts", "slots", "body", "lanes", "waits")
	moveScript    = declare("move", "base", "counts", "slots", "body", "lanes", "waits")
	sweepScript   = declare("sweep", "base", "counts", "slots", "body", "waits", "events", "ends")
	forgetScript  = declare("forget", "base", "slots")
	getScript     = declare("get", "base", "slots", "body", "pieces")
	depthsScript  = declare("depths", "base")
	timeScript    = declare("time", "base")
	carrierScript = declare("carrier")
)

// run executes a script of a shard and answers its reply, a list.
func (q *Queue) run(ctx context.Context, s *redisdb.Script, sh *shard, args ...any) (reply, error) {
	v, err := s.Run(ctx, q.db, sh.keys, args...)
	if err != nil {
		return reply{}, mapError(err)
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	return reply{list: list}, nil
}

// reply reads a script's answer item by item; the first that is not what is
// asked for makes err.
type reply struct {
	list []any
	at   int
	err  error
}

func (r *reply) next() any {
	if r.at >= len(r.list) {
		r.fail("ends early")
		return nil
	}
	r.at++
	return r.list[r.at-1]
}

// is tells whether the first item is the word.
func (r *reply) is(word string) bool { return len(r.list) > 0 && r.list[0] == word }

func (r *reply) more() bool { return r.err == nil && r.at < len(r.list) }

func (r *reply) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("queue: script's reply %s at item %d", what, r.at)
	}
}

func (r *reply) text() string {
	s, ok := r.next().(string)
	if !ok {
		r.fail("has no text")
	}
	return s
}

func (r *reply) number() int64 {
	n, ok := r.next().(int64)
	if !ok {
		r.fail("has no number")
	}
	return n
}

func (r *reply) sub() reply {
	l, ok := r.next().([]any)
	if !ok {
		r.fail("has no list")
	}
	return reply{list: l}
}

// time reads a Redis time in ms and sets the queue's clock by it.
func (r *reply) time(q *Queue) time.Time {
	ms := r.number()
	if r.err != nil {
		return time.Time{}
	}
	at := time.UnixMilli(ms).UTC()
	q.clock.set(at)
	return at
}
