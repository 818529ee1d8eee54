package ingress

import (
	"crypto/sha256"
	"fmt"
	"sync/atomic"
	"time"

	"bindery/queue"
)

// Account is who sends.
type Account struct {
	ID    string
	Admin bool
	Rate  int // parts per second, all instances together; 0: unlimited
}

// burst is how far ahead of its rate an account may be: after a pause of a
// second it may send a second's worth at once.
const burst = time.Second

// limit is what a push of so many parts is held to; nil: nothing.
func (a *Account) limit(parts int) *queue.Limit {
	if a.Rate <= 0 {
		return nil
	}
	l := &queue.Limit{Rate: a.Rate}
	l.Ahead = max(0, burst-l.Cost(parts))
	return l
}

// limitWhole is what a batch is held to: it is taken whole unless the account
// is in debt.
func (a *Account) limitWhole() *queue.Limit {
	if a.Rate <= 0 {
		return nil
	}
	return &queue.Limit{Rate: a.Rate, Ahead: burst}
}

// KeyHash is the SHA-256 of an API key: all that is kept of one.
type KeyHash [sha256.Size]byte

// HashKey hashes an API key.
func HashKey(key string) KeyHash { return sha256.Sum256([]byte(key)) }

// Credential is an account and the key that it is known by; nil: none.
type Credential struct {
	Account Account
	Key     *KeyHash
}

// Accounts knows who may send.
type Accounts struct {
	table atomic.Pointer[map[KeyHash]*Account]
}

// NewAccounts returns the registry of those.
func NewAccounts(list []Credential) (*Accounts, error) {
	a := &Accounts{}
	return a, a.Set(list)
}

// Set changes the accounts for the calls that begin after it. With an error
// nothing has changed.
func (a *Accounts) Set(list []Credential) error {
	table := make(map[KeyHash]*Account, len(list))
	for i := range list {
		c := &list[i]
		if c.Key == nil {
			continue
		}
		if other, twice := table[*c.Key]; twice {
			return fmt.Errorf("ingress: accounts %s and %s have the same key", other.ID, c.Account.ID)
		}
		account := c.Account
		table[*c.Key] = &account
	}
	a.table.Store(&table)
	return nil
}

// Authenticate finds the account of an API key. It looks up the key's hash: the
// time that this takes may tell of hashes, which nobody can choose, and nothing
// of how near a wrong key is to a right one.
func (a *Accounts) Authenticate(key string) (*Account, bool) {
	hash := HashKey(key)
	account, ok := (*a.table.Load())[hash]
	return account, ok && key != ""
}
