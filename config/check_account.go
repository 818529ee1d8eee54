package config

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

const (
	maxRate    = 1_000_000
	maxBinds   = 1000
	maxWindow  = 65536
	maxBatch   = 100 // events a webhook request
	maxRetries = 255
)

func (k *checker) accounts(accounts []Account) {
	ids, keys := map[string]string{}, map[string]string{}
	for i := range accounts {
		a, path := &accounts[i], fmt.Sprintf("accounts[%d]", i)
		k.id(path+".id", a.ID, ids)
		k.apiKey(path, a, keys)
		k.within(path+".rate", a.Rate, 0, maxRate)
		if a.SMPP != nil {
			k.accountSMPP(path+".smpp", a.SMPP)
		}
		if a.Webhook != nil {
			k.webhook(path+".webhook", a.Webhook)
		}
	}
}

func (k *checker) apiKey(path string, a *Account, seen map[string]string) {
	given := path + ".api_key"
	var sum string
	switch {
	case a.APIKey != "" && a.APIKeySHA256 != "":
		k.problem(path+".api_key_sha256", "is given beside api_key; leave one of them out")
		return
	case a.APIKey != "":
		if strings.ContainsAny(string(a.APIKey), " \t\r\n") {
			k.problem(given, "holds a blank, which no Authorization header carries")
			return
		}
		h := sha256.Sum256([]byte(a.APIKey))
		sum = hex.EncodeToString(h[:])
	case a.APIKeySHA256 != "":
		given = path + ".api_key_sha256"
		sum = strings.ToLower(string(a.APIKeySHA256))
		if raw, err := hex.DecodeString(sum); err != nil || len(raw) != sha256.Size {
			k.problem(given, "is no SHA-256: want 64 hexadecimal digits, as printf %%s KEY | sha256sum gives them")
			return
		}
		a.APIKeySHA256 = Secret(sum)
	default:
		// A key that was given and not taken has its problem already.
		if a.SMPP == nil && !a.Inbox && !k.given(given) && !k.given(path+".api_key_sha256") {
			k.problem(path, "has no way in: give it an api_key, smpp or inbox")
		}
		return
	}
	if first, twice := seen[sum]; twice {
		k.problem(given, "is the key of %s already", first)
	}
	seen[sum] = path
}

func (k *checker) accountSMPP(path string, s *AccountSMPP) {
	k.credentials(path, s.SystemID, s.Password)
	k.within(path+".max_binds", s.MaxBinds, 1, maxBinds)
	k.within(path+".window", s.Window, 1, maxWindow)
}

func (k *checker) webhook(path string, w *Webhook) {
	k.within(path+".batch", w.Batch, 1, maxBatch)
	k.webhookSecret(path+".secret", string(w.Secret))
	if !k.required(path+".url", w.URL) {
		return
	}
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		k.problem(path+".url", "is no URL such as https://example.com/events")
	case u.User != nil:
		k.problem(path+".url", "holds a user or a password; the receiver knows us by the signature")
	case u.Fragment != "":
		k.problem(path+".url", "has a # part, which is never sent")
	case u.Scheme != "https" && (u.Scheme != "http" || !w.AllowPrivate):
		k.problem(path+".url", "want https (http only with allow_private: true)")
	case !w.AllowPrivate && isPrivate(u.Hostname()):
		k.problem(path+".url", "is a private address, which takes allow_private: true")
	}
}

// isPrivate knows the addresses that are private by their writing; what a name
// resolves to is looked at when it is dialled.
func isPrivate(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	a = a.Unmap()
	return !a.IsGlobalUnicast() || a.IsPrivate()
}

// webhookSecret checks the form that Standard Webhooks gives a secret: whsec_
// and 24 to 64 octets in base64.
func (k *checker) webhookSecret(path, secret string) {
	if !k.required(path, secret) {
		return
	}
	text, ok := strings.CutPrefix(secret, "whsec_")
	raw, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(raw) < 24 || len(raw) > 64 {
		k.problem(path, "want whsec_ and 24 to 64 octets in base64: printf whsec_; head -c 32 /dev/urandom | base64")
	}
}
