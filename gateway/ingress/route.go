package ingress

import (
	"errors"
	"fmt"
	"strings"

	"bindery/queue"
	"bindery/smpp/coding"
)

// Route is a queue and whom it is for.
type Route struct {
	ID       string
	Match    Match
	Carriers []CarrierProfile // in order, at least one
}

// Match says which messages a route takes: all of what is given must hold, one
// entry of each suffices.
type Match struct {
	Prefix   []string // of to: digits, + optional
	Account  []string
	Priority []queue.Priority
	From     []string // whole senders, without a leading +; * stands for any characters
}

// CarrierProfile is how a carrier of a route takes text.
type CarrierProfile struct {
	ID      string
	Profile coding.Profile
}

// router finds the first route that matches. Prefixes of all routes share one
// trie of digits, so the number of prefixes costs nothing; the other criteria
// are looked at only for the routes on the number's way down.
type router struct {
	routes []compiled
	root   node
}

type compiled struct {
	route      Route
	accounts   map[string]bool // nil: all
	priorities uint8           // a bit each; 0: all
	senders    []pattern       // nil: all
}

// node is one digit of a prefix. routes are those whose prefix ends here, by
// their order.
type node struct {
	next   [10]*node
	routes []int
}

func newRouter(routes []Route) (*router, error) {
	r := &router{routes: make([]compiled, len(routes))}
	for i := range routes {
		if err := r.add(i, &routes[i]); err != nil {
			return nil, fmt.Errorf("ingress: route %q: %w", routes[i].ID, err)
		}
	}
	return r, nil
}

func (r *router) add(i int, route *Route) error {
	c := compiled{route: *route}
	if route.ID == "" {
		return errors.New("has no id")
	}
	if len(route.Carriers) == 0 {
		return errors.New("has no carrier")
	}
	for _, id := range route.Match.Account {
		if c.accounts == nil {
			c.accounts = map[string]bool{}
		}
		c.accounts[id] = true
	}
	for _, p := range route.Match.Priority {
		if p > queue.Bulk {
			return fmt.Errorf("priority %d is none", p)
		}
		c.priorities |= 1 << p
	}
	for _, p := range route.Match.From {
		c.senders = append(c.senders, newPattern(strings.TrimPrefix(p, "+")))
	}
	r.routes[i] = c
	if len(route.Match.Prefix) == 0 {
		r.root.routes = append(r.root.routes, i)
	}
	for _, p := range route.Match.Prefix {
		digits := strings.TrimPrefix(p, "+")
		if !allDigits(digits) {
			return fmt.Errorf("prefix %q is not of digits", p)
		}
		r.root.insert(digits, i)
	}
	return nil
}

func (n *node) insert(digits string, route int) {
	for i := range len(digits) {
		d := digits[i] - '0'
		if n.next[d] == nil {
			n.next[d] = &node{}
		}
		n = n.next[d]
	}
	n.routes = append(n.routes, route)
}

// find answers the first route for a message; to is a plus and digits.
func (r *router) find(to, from, account string, priority queue.Priority) *Route {
	best := len(r.routes)
	from = strings.TrimPrefix(from, "+")
	n := &r.root
	for i := 1; ; i++ {
		for _, route := range n.routes {
			if route >= best {
				break
			}
			if r.routes[route].takes(from, account, priority) {
				best = route
				break
			}
		}
		if i >= len(to) {
			break
		}
		if n = n.next[to[i]-'0']; n == nil {
			break
		}
	}
	if best == len(r.routes) {
		return nil
	}
	return &r.routes[best].route
}

func (c *compiled) takes(from, account string, priority queue.Priority) bool {
	if c.accounts != nil && !c.accounts[account] || c.priorities != 0 && c.priorities&(1<<priority) == 0 {
		return false
	}
	for i := range c.senders {
		if c.senders[i].matches(from) {
			return true
		}
	}
	return c.senders == nil
}

// pattern is what stood between the stars of a sender's pattern.
type pattern []string

func newPattern(s string) pattern { return strings.Split(s, "*") }

// matches compares the whole of s. What stands between two stars is taken where
// it is found first, which leaves the most for the rest.
func (p pattern) matches(s string) bool {
	if len(p) == 1 {
		return s == p[0]
	}
	s, ok := strings.CutPrefix(s, p[0])
	if !ok {
		return false
	}
	last := len(p) - 1
	for _, middle := range p[1:last] {
		i := strings.Index(s, middle)
		if i < 0 {
			return false
		}
		s = s[i+len(middle):]
	}
	return strings.HasSuffix(s, p[last])
}
