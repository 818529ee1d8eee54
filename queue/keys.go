package queue

import "strconv"

// Names of keys, all in one place. Keys of a shard carry its tag, so that all
// that is about a message lies in one hash slot. The scripts derive theirs from
// KEYS[1], the shard's counts.
const (
	keyShards   = "bindery:shards"   // tags, fixed when the Redis is first used
	keyCarriers = "bindery:carriers" // hash: a carrier's id → its number, given once
)

// shard is one home of messages: hash(account) says whose.
type shard struct {
	index  int
	tag    string
	prefix string   // "bindery:{s0}:"
	keys   []string // KEYS of every script: the counts
	bell   string   // channel of the doorbell
	gate   gate     // pushes on their way
}

func newShard(index int, tag string) *shard {
	prefix := "bindery:{" + tag + "}:"
	return &shard{index: index, tag: tag, prefix: prefix, keys: []string{prefix + "counts"}, bell: prefix + "bell"}
}

func (s *shard) block(b Block) string  { return s.prefix + "block:" + string(b) }
func (s *shard) slots(b Block) string  { return s.prefix + "slots:" + string(b) }
func (s *shard) owners() string        { return s.prefix + "owners" }
func (s *shard) due() string           { return s.prefix + "due" }
func (s *shard) dead() string          { return s.prefix + "dead" }
func (s *shard) counts() string        { return s.prefix + "counts" }
func (s *shard) tallies() string       { return s.prefix + "tallies" }
func (s *shard) routes() string        { return s.prefix + "routes" }
func (s *shard) accounts() string      { return s.prefix + "accounts" }
func (s *shard) expiry() string        { return s.prefix + "expiry" }
func (s *shard) history() string       { return s.prefix + "history" }
func (s *shard) lease(o string) string { return s.prefix + "lease:" + o }

// lane is the list of what waits of one account on a route at a priority.
func (s *shard) lane(route string, p Priority, account string) string {
	return s.prefix + "queue:" + route + ":" + p.String() + ":" + account
}

// ring is the list of accounts that have a lane with something in it.
func (s *shard) ring(route string, p Priority) string {
	return s.prefix + "ring:" + route + ":" + p.String()
}

func (s *shard) status(account string) string { return s.prefix + "status:" + account }

func (s *shard) idem(account, hash string) string { return s.prefix + "idem:" + account + ":" + hash }

func (s *shard) rate(account string) string { return s.prefix + "rate:" + account }

func (s *shard) batch(id string) string { return s.prefix + "batch:" + id }

var priorityWords = [...]string{"urgent", "normal", "bulk"}

// String is the priority's word: in keys, metrics and the API.
func (p Priority) String() string {
	if int(p) < len(priorityWords) {
		return priorityWords[p]
	}
	return "priority(" + strconv.Itoa(int(p)) + ")"
}
