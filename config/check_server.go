package config

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"strings"
	"time"
)

func (k *checker) config(c *Config) {
	k.redis(&c.Redis)
	k.http(&c.HTTP)
	if c.SMPP != nil {
		k.smpp(c.SMPP, &c.HTTP)
	}
	k.accounts(c.Accounts)
	k.carriers(c.Carriers)
	k.routes(c)
}

func (k *checker) redis(r *Redis) {
	k.redisURL("redis.url", string(r.URL))
	k.lasting("redis.lease", r.Lease, 5*time.Second, 5*time.Minute)
	k.lasting("redis.history.age", r.History.Age, 2*time.Minute, 720*time.Hour)
	k.within("redis.history.memory", int(r.History.Memory), 1, 90)
}

// redisURL never quotes the URL, which may hold a password.
func (k *checker) redisURL(path, raw string) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		k.problem(path, "is no URL: want redis://host:6379/0, rediss://, redis+cluster:// or redis+sentinel://")
		return
	}
	hosts := rest[strings.LastIndexByte(rest, '@')+1:]
	hosts, tail, _ := strings.Cut(hosts, "/")
	switch scheme {
	case "redis", "rediss":
		if _, err := url.Parse(raw); err != nil {
			k.problem(path, "does not parse; are special characters of the password written %%XX?")
			return
		}
	case "redis+cluster", "rediss+cluster":
		if tail != "" {
			k.problem(path, "a cluster has no database: leave out what follows the hosts")
		}
	case "redis+sentinel", "rediss+sentinel":
		if tail == "" {
			k.problem(path, "lacks the master's name: redis+sentinel://h1:26379,h2:26379/master")
		}
	default:
		k.problem(path, "%s is not one of redis, rediss, redis+cluster, redis+sentinel", quote(scheme))
		return
	}
	for _, host := range strings.Split(hosts, ",") {
		if _, port, err := net.SplitHostPort(host); err == nil && port != "" || err != nil && host != "" && !strings.Contains(host, ":") {
			continue
		}
		k.problem(path, "a host is not host:port")
		return
	}
}

func (k *checker) http(h *HTTP) {
	k.address("http.listen", h.Listen, true)
	k.serverTLS("http.tls", h.TLS)
}

func (k *checker) smpp(s *SMPP, h *HTTP) {
	k.address("smpp.listen", s.Listen, true)
	k.serverTLS("smpp.tls", s.TLS)
	if s.Listen == h.Listen && !strings.HasSuffix(s.Listen, ":0") {
		k.problem("smpp.listen", "is the address of http.listen")
	}
}

func (k *checker) serverTLS(path string, t *ServerTLS) {
	if t == nil {
		return
	}
	k.locate(&t.Cert, &t.Key)
	cert := k.required(path+".cert", t.Cert)
	if key := k.required(path+".key", t.Key); cert && key {
		k.pair(path, t.Cert, t.Key)
	}
}

func (k *checker) clientTLS(path string, t *ClientTLS) {
	if t == nil {
		return
	}
	k.locate(&t.CA, &t.Cert, &t.Key)
	if t.CA != "" {
		if pem, ok := k.file(path+".ca", t.CA); ok && !x509.NewCertPool().AppendCertsFromPEM(pem) {
			k.problem(path+".ca", "%s holds no certificate in PEM", quote(t.CA))
		}
	}
	switch {
	case t.Cert != "" && t.Key != "":
		k.pair(path, t.Cert, t.Key)
	case t.Cert != "":
		k.problem(path+".key", "is missing beside cert")
	case t.Key != "":
		k.problem(path+".cert", "is missing beside key")
	}
	if t.Insecure && t.CA != "" {
		k.problem(path+".insecure", "with insecure nothing is verified, so ca has no use; leave one of them out")
	}
}

// locate makes names of files relative to the configuration's directory.
func (k *checker) locate(names ...*string) {
	for _, name := range names {
		if *name != "" {
			*name = absolute(k.dir, *name)
		}
	}
}

// pair checks that certificate and key can be read and belong together.
func (k *checker) pair(path, cert, key string) {
	certPEM, ok1 := k.file(path+".cert", cert)
	keyPEM, ok2 := k.file(path+".key", key)
	if !ok1 || !ok2 {
		return
	}
	if _, err := tls.X509KeyPair(certPEM, keyPEM); err != nil {
		k.problem(path+".cert", "certificate and key: %s", strings.TrimPrefix(err.Error(), "tls: "))
	}
}

func (k *checker) file(path, name string) ([]byte, bool) {
	data, _, err := k.files.read(name)
	if err != nil {
		k.problem(path, "%v", err)
	}
	return data, err == nil
}
