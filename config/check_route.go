package config

import (
	"fmt"
	"slices"
	"strings"
)

func (k *checker) routes(c *Config) {
	ids := map[string]string{}
	carriers, accounts := map[string]bool{}, map[string]bool{}
	for i := range c.Carriers {
		carriers[c.Carriers[i].ID] = true
	}
	for i := range c.Accounts {
		accounts[c.Accounts[i].ID] = true
	}
	for i := range c.Routes {
		r, path := &c.Routes[i], fmt.Sprintf("routes[%d]", i)
		k.id(path+".id", r.ID, ids)
		k.match(path+".match", &r.Match, accounts)
		if len(r.Carriers) == 0 {
			k.problem(path+".carriers", "names no carrier")
		}
		k.each(path+".carriers", r.Carriers, func(p, id string) {
			if !carriers[id] {
				k.problem(p, "there is no carrier %s%s", quote(id), among(carriers))
			}
		})
	}
}

func (k *checker) match(path string, m *Match, accounts map[string]bool) {
	k.each(path+".prefix", m.Prefix, func(p, prefix string) {
		digits := strings.TrimPrefix(prefix, "+")
		if digits == "" || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" || digits[0] == '0' {
			k.problem(p, "%s is no prefix: want + and 1 to 15 digits, the first not 0", quote(prefix))
		}
	})
	k.each(path+".account", m.Account, func(p, id string) {
		if !accounts[id] {
			k.problem(p, "there is no account %s%s", quote(id), among(accounts))
		}
	})
	k.each(path+".priority", m.Priority, func(p, word string) { k.oneOf(p, word, "urgent", "normal", "bulk") })
	k.each(path+".from", m.From, func(p, pattern string) {
		if pattern == "" || len(pattern) > 32 {
			k.problem(p, "%s is no pattern of a sender: want 1 to 32 characters, * for any", quote(pattern))
		}
	})
}

// each checks the entries of a list, which may not repeat. A list that is given
// and empty would match nothing.
func (k *checker) each(path string, list []string, check func(path, entry string)) {
	if len(list) == 0 && k.given(path) {
		k.problem(path, "is empty; leave the key out or name something")
	}
	for i, e := range list {
		p := fmt.Sprintf("%s[%d]", path, i)
		check(p, e)
		if slices.Contains(list[:i], e) {
			k.problem(p, "%s is named twice", quote(e))
		}
	}
}

// among lists what there is, when that is short.
func among(ids map[string]bool) string {
	list := sortedKeys(ids)
	list = slices.DeleteFunc(list, func(id string) bool { return id == "" }) // one that was wrong itself
	if len(list) == 0 || len(list) > 10 {
		return ""
	}
	if len(list) == 0 {
		return "; there is none"
	}
	return "; there are " + strings.Join(list, ", ")
}
