package config

import "fmt"

// Unserved are the settings that are right and that this version does not act
// on yet. serve and check say each of them; none is ignored in silence.
func (c *Config) Unserved() []Problem {
	var list []Problem
	add := func(path, what string) {
		list = append(list, Problem{c.lines.of(path), path, "is not served by this version: " + what})
	}
	if _, given := c.lines["redis.history.memory"]; given {
		add("redis.history.memory", "ended messages go by age alone")
	}
	if c.SMPP != nil {
		add("smpp", "nobody can bind to the gateway")
	}
	for i := range c.Accounts {
		c.Accounts[i].unserved(fmt.Sprintf("accounts[%d]", i), add)
	}
	for i := range c.Carriers {
		path := fmt.Sprintf("carriers[%d]", i)
		if c.Carriers[i].Accept != nil {
			add(path+".accept", "the carrier cannot bind to the gateway")
		}
		if c.Carriers[i].TimeZone != "UTC" {
			add(path+".time_zone", "dates in receipts are not shown; events bear the time at which we learned of them")
		}
	}
	sortProblems(list)
	return list
}

func (a *Account) unserved(path string, add func(path, what string)) {
	if a.SMPP != nil {
		add(path+".smpp", "the account cannot bind")
	}
	if a.Webhook != nil {
		add(path+".webhook", "no event is sent; read the status stream")
	}
	if a.Inbox {
		add(path+".inbox", "bindery:inbox is not read")
	}
	if a.Ordered {
		add(path+".ordered", "writes may cross within 50 ms")
	}
}

// Warnings are what is worth saying of a configuration that is right: Unserved,
// and what is probably not meant.
func (c *Config) Warnings() []Problem {
	list := append(c.Unserved(), c.notes...)
	add := func(path, format string, args ...any) {
		list = append(list, Problem{c.lines.of(path), path, fmt.Sprintf(format, args...)})
	}
	c.doubtAccounts(add)
	c.doubtCarriers(add, c.doubtRoutes(add))
	sortProblems(list)
	return list
}

// minKey is what 128 bits take in base64.
const minKey = 22

func (c *Config) doubtAccounts(add func(path, format string, args ...any)) {
	if len(c.Accounts) == 0 {
		add("accounts", "there is no account, so nobody can send")
	}
	for i := range c.Accounts {
		if key := c.Accounts[i].APIKey; key != "" && len(key) < minKey {
			add(fmt.Sprintf("accounts[%d].api_key", i), "is shorter than %d characters and may be guessed", minKey)
		}
	}
}

// doubtRoutes answers the carriers that some route names.
func (c *Config) doubtRoutes(add func(path, format string, args ...any)) (routed map[string]bool) {
	if len(c.Routes) == 0 {
		add("routes", "there is no route, so every message is refused")
	}
	routed = map[string]bool{}
	for i, over := 0, -1; i < len(c.Routes); i++ {
		r := &c.Routes[i]
		if over >= 0 {
			add(fmt.Sprintf("routes[%d]", i), "is never reached: routes[%d] before it takes everything", over)
		} else if r.Match.all() {
			over = i
		}
		for _, id := range r.Carriers {
			routed[id] = true
		}
	}
	return routed
}

func (c *Config) doubtCarriers(add func(path, format string, args ...any), routed map[string]bool) {
	for i := range c.Carriers {
		if t := c.Carriers[i].TLS; t != nil && t.Insecure {
			add(fmt.Sprintf("carriers[%d].tls.insecure", i), "whoever stands between us and the carrier can read and change everything")
		}
		if !routed[c.Carriers[i].ID] {
			add(fmt.Sprintf("carriers[%d]", i), "no route names this carrier")
		}
	}
}
