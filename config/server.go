package config

import "time"

// Redis is where the messages live.
type Redis struct {
	// URL is redis://, rediss://, redis+cluster://h1:p,h2:p or
	// redis+sentinel://h1:p,h2:p/master; a secret, since it may hold a password.
	URL     Secret        `yaml:"url"`
	Lease   time.Duration `yaml:"lease"` // after which a gateway that died is given up, 5s..5m
	History History       `yaml:"history"`
}

// History is how long ended messages stay: until either bound is reached.
type History struct {
	Age    time.Duration `yaml:"age"`    // 2m..720h
	Memory Percent       `yaml:"memory"` // of maxmemory, without one of the machine's memory
}

// HTTP is the listener of API, console, metrics and health.
type HTTP struct {
	Listen string     `yaml:"listen"`
	TLS    *ServerTLS `yaml:"tls"` // nil: plain
	// RequireKey demands a key for health, metrics and console from loopback
	// too.
	RequireKey bool `yaml:"require_key"`
}

// SMPP is the listener for whoever binds to us.
type SMPP struct {
	Listen string     `yaml:"listen"`
	TLS    *ServerTLS `yaml:"tls"`
}

// ServerTLS is a listener's certificate, PEM files.
type ServerTLS struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

func (r *Redis) setDefaults() {
	*r = Redis{URL: "redis://127.0.0.1:6379/0", Lease: 10 * time.Second, History: History{Age: 24 * time.Hour, Memory: 25}}
}

func (s *SMPP) setDefaults() { *s = SMPP{Listen: "127.0.0.1:2775"} }
func (h *HTTP) setDefaults() { *h = HTTP{Listen: "127.0.0.1:8080"} }
