package config

// Account is one sender.
type Account struct {
	ID string `yaml:"id"`
	// APIKey or APIKeySHA256 (64 hexadecimal digits), not both. Neither: no way
	// in by HTTP.
	APIKey       Secret       `yaml:"api_key"`
	APIKeySHA256 Secret       `yaml:"api_key_sha256"`
	SMPP         *AccountSMPP `yaml:"smpp"` // nil: may not bind
	Webhook      *Webhook     `yaml:"webhook"`
	Rate         int          `yaml:"rate"` // parts per second, all instances together; 0 is unlimited
	Inbox        bool         `yaml:"inbox"`
	Ordered      bool         `yaml:"ordered"`
	Admin        bool         `yaml:"admin"`
}

// AccountSMPP lets an account bind to us.
type AccountSMPP struct {
	SystemID string   `yaml:"system_id"`
	Password Secret   `yaml:"password"`
	MaxBinds int      `yaml:"max_binds"`
	Window   int      `yaml:"window"`
	Allow    []Prefix `yaml:"allow"` // empty: from anywhere
}

// Webhook is where an account's events are sent.
type Webhook struct {
	URL          string `yaml:"url"`
	Secret       Secret `yaml:"secret"`
	AllowPrivate bool   `yaml:"allow_private"`
	Batch        int    `yaml:"batch"` // events a request, 1..100
}

func (s *AccountSMPP) setDefaults() { *s = AccountSMPP{MaxBinds: 10, Window: 1000} }
func (w *Webhook) setDefaults()     { *w = Webhook{Batch: 1} }
