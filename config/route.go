package config

// Route is a queue that its carriers drain.
type Route struct {
	ID       string   `yaml:"id"`
	Match    Match    `yaml:"match"`
	Carriers []string `yaml:"carriers"` // in order: each takes over when those before it cannot
}

// Match says which messages a route takes: all of what is given must hold, one
// entry of each suffices. An empty Match takes everything.
type Match struct {
	Prefix   []string `yaml:"prefix"`   // of to; "+82"
	Account  []string `yaml:"account"`  // ids
	Priority []string `yaml:"priority"` // urgent, normal, bulk
	From     []string `yaml:"from"`     // whole senders; * stands for any characters
}

func (m *Match) all() bool {
	return len(m.Prefix)+len(m.Account)+len(m.Priority)+len(m.From) == 0
}
