package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	linkLife     = 10 * time.Minute
	sessionIdle  = 12 * time.Hour // a session that asks for nothing ends
	maxLinks     = 100            // at once; the oldest goes first
	maxSessions  = 1000           // at once; the one that was silent longest goes first
	sessionShare = 10             // one account has at most that part of them
)

// secretHash is all that is kept of a link's token or a session's cookie. Both
// are 130 random bits, and found by their hash: the time that this takes may
// tell of hashes, which nobody can choose, and nothing of how near a wrong
// secret is to a right one.
type secretHash [sha256.Size]byte

// sessions are the logins of people who use the console, and the links that
// lead to one. They live in the memory of one instance and end with it: whoever
// was logged in logs in again.
type sessions struct {
	mu    sync.Mutex // guards the rest
	links map[secretHash]*link
	open  map[secretHash]*session
}

// link is a login that nobody has taken yet.
type link struct {
	account string
	made    time.Time
}

// session is a login. Its context is over when it ends, and with it what it
// still has under way: a stream of events.
type session struct {
	account string
	seen    time.Time
	over    context.Context
	end     context.CancelFunc
}

func newSessions() *sessions {
	return &sessions{links: map[secretHash]*link{}, open: map[secretHash]*session{}}
}

func newSecret() (string, secretHash) {
	secret := rand.Text()
	return secret, hashSecret(secret)
}

func hashSecret(secret string) secretHash { return sha256.Sum256([]byte(secret)) }

// offer makes the token of a link.
func (s *sessions) offer(account string) string {
	token, hash := newSecret()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(time.Now())
	if len(s.links) >= maxLinks {
		oldest := hash
		for h, l := range s.links {
			if have, ok := s.links[oldest]; !ok || l.made.Before(have.made) {
				oldest = h
			}
		}
		delete(s.links, oldest)
	}
	s.links[hash] = &link{account: account, made: time.Now()}
	return token
}

// offered tells whether a token would be taken.
func (s *sessions) offered(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(time.Now())
	return s.links[hashSecret(token)] != nil
}

// redeem uses a token up.
func (s *sessions) redeem(token string) (account string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(time.Now())
	hash := hashSecret(token)
	l := s.links[hash]
	if l == nil {
		return "", false
	}
	delete(s.links, hash)
	return l.account, true
}

// begin makes a session and answers its secret.
func (s *sessions) begin(account string) string {
	secret, hash := newSecret()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.sweep(now)
	s.makeRoom(func(x *session) bool { return x.account == account }, maxSessions/sessionShare)
	s.makeRoom(func(*session) bool { return true }, maxSessions)
	over, end := context.WithCancel(context.Background())
	s.open[hash] = &session{account: account, seen: now, over: over, end: end}
	return secret
}

// makeRoom ends the one that was silent longest when there are as many as may
// be.
func (s *sessions) makeRoom(counted func(*session) bool, most int) {
	n, silent := 0, secretHash{}
	for h, x := range s.open {
		if !counted(x) {
			continue
		}
		n++
		if have := s.open[silent]; have == nil || x.seen.Before(have.seen) {
			silent = h
		}
	}
	if n >= most {
		s.drop(silent)
	}
}

// find answers the session of a secret, which has been heard of by this.
func (s *sessions) find(secret string) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.sweep(now)
	x := s.open[hashSecret(secret)]
	if x == nil {
		return session{}, false
	}
	x.seen = now
	return *x, true
}

func (s *sessions) close(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(hashSecret(secret))
}

func (s *sessions) drop(h secretHash) {
	if x := s.open[h]; x != nil {
		x.end()
		delete(s.open, h)
	}
}

// sweep drops what is past its time. The bounds on the numbers make it cheap.
func (s *sessions) sweep(now time.Time) {
	for h, l := range s.links {
		if now.Sub(l.made) >= linkLife {
			delete(s.links, h)
		}
	}
	for h, x := range s.open {
		if now.Sub(x.seen) >= sessionIdle {
			s.drop(h)
		}
	}
}

// LoginLink makes a link by which somebody logs in to the console as an account:
// once, within ten minutes. It is the path and query behind the address that
// the gateway listens at. Whoever knows it may do what the account may.
func (a *API) LoginLink(account string) (string, error) {
	if _, ok := a.accountOf(account); !ok {
		return "", fmt.Errorf("api: no account %q", account)
	}
	return "/login?token=" + a.sessions.offer(account), nil
}

// cookieName is that of the session's cookie. Over TLS the prefix has browsers
// refuse one that another host of the domain, or plain HTTP, has set.
func cookieName(r *http.Request) string {
	if r.TLS != nil {
		return "__Host-bindery_session"
	}
	return "bindery_session"
}

// cookie of a session; an empty secret takes it back.
func cookie(r *http.Request, secret string) *http.Cookie {
	c := &http.Cookie{Name: cookieName(r), Value: secret, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode}
	if secret == "" {
		c.MaxAge = -1
	}
	return c
}

// secretOf is what the request's cookie says, "" without one.
func secretOf(r *http.Request) string {
	c, err := r.Cookie(cookieName(r))
	if err != nil {
		return ""
	}
	return c.Value
}
