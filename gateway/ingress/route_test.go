package ingress

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"bindery/queue"
)

func mustRouter(t testing.TB, routes []Route) *router {
	t.Helper()
	for i := range routes {
		if routes[i].Carriers == nil {
			routes[i].Carriers = []CarrierProfile{both}
		}
	}
	r, err := newRouter(routes)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFirstMatchWins(t *testing.T) {
	r := mustRouter(t, []Route{
		{ID: "urgent-acme", Match: Match{Prefix: []string{"+82", "+81"}, Account: []string{"acme"}, Priority: []queue.Priority{queue.Urgent}}},
		{ID: "short", Match: Match{From: []string{"1544*", "114"}}},
		{ID: "seoul", Match: Match{Prefix: []string{"+822"}}},
		{ID: "korea", Match: Match{Prefix: []string{"82"}}},
		{ID: "plus", Match: Match{From: []string{"+8215*"}}},
		{ID: "shop", Match: Match{Account: []string{"shop", "mall"}, Priority: []queue.Priority{queue.Normal, queue.Bulk}}},
	})
	for _, c := range []struct {
		to, from, account string
		priority          queue.Priority
		want              string
	}{
		{"+821012345678", "Acme", "acme", queue.Urgent, "urgent-acme"},
		{"+811012345678", "Acme", "acme", queue.Urgent, "urgent-acme"},
		{"+821012345678", "Acme", "acme", queue.Normal, "korea"},
		{"+821012345678", "Acme", "shop", queue.Urgent, "korea"},
		{"+821012345678", "15441234", "shop", queue.Urgent, "short"},
		{"+821012345678", "1544", "shop", queue.Urgent, "short"},
		{"+821012345678", "114", "shop", queue.Urgent, "short"},
		{"+821012345678", "1144", "shop", queue.Urgent, "korea"},
		{"+82212345678", "Acme", "shop", queue.Urgent, "seoul"},
		{"+4412345678", "8215123", "acme", queue.Urgent, "plus"},
		{"+4412345678", "+8215123", "acme", queue.Urgent, "plus"},
		{"+4412345678", "Acme", "mall", queue.Bulk, "shop"},
		{"+4412345678", "Acme", "mall", queue.Urgent, ""},
		{"+4412345678", "Acme", "acme", queue.Bulk, ""},
		{"+8", "Acme", "acme", queue.Bulk, ""},
	} {
		got := ""
		if route := r.find(c.to, c.from, c.account, c.priority); route != nil {
			got = route.ID
		}
		if got != c.want {
			t.Errorf("%s from %s by %s, %d: got %q, want %q", c.to, c.from, c.account, c.priority, got, c.want)
		}
	}
}

func TestRouterRefuses(t *testing.T) {
	carriers := []CarrierProfile{both}
	for says, route := range map[string]Route{
		"has no id":      {Carriers: carriers},
		"has no carrier": {ID: "a"},
		"prefix":         {ID: "a", Carriers: carriers, Match: Match{Prefix: []string{"+8x"}}},
		"priority 3":     {ID: "a", Carriers: carriers, Match: Match{Priority: []queue.Priority{3}}},
	} {
		if _, err := newRouter([]Route{route}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v", says, err)
		}
	}
	if _, err := NewDoor(Config{}); err == nil {
		t.Error("a door without a queue is made")
	}
}

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"1544", "1544", true}, {"1544", "15440", false}, {"1544*", "1544", true}, {"1544*", "154", false},
		{"*", "", true}, {"*", "x", true}, {"*44", "1544", true}, {"*44", "15440", false}, {"1*4", "14", true},
		{"1*4", "1", false}, {"a*a", "a", false}, {"a*b*c", "aXbYc", true}, {"a*b*c", "acb", false}, {"a*b*b", "ab", false}, {"**", "", true},
		{"a*bc*c", "abc", false}, {"a*bc*c", "abcc", true},
	} {
		if got := newPattern(c.pattern).matches(c.s); got != c.want {
			t.Errorf("%q on %q: %t", c.pattern, c.s, got)
		}
	}
}

// TestRouterAgainstPlainSearch holds the trie against a look at every route.
func TestRouterAgainstPlainSearch(t *testing.T) {
	digit := rapid.StringMatching(`[1-3]{1,4}`)
	rapid.Check(t, func(rt *rapid.T) {
		var routes []Route
		for i := range rapid.IntRange(0, 8).Draw(rt, "n") {
			routes = append(routes, Route{ID: fmt.Sprint(i), Match: Match{
				Prefix:   rapid.SliceOfN(digit, 0, 3).Draw(rt, "prefix"),
				Account:  rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b"}), 0, 1).Draw(rt, "account"),
				Priority: rapid.SliceOfN(rapid.SampledFrom([]queue.Priority{0, 1, 2}), 0, 2).Draw(rt, "priority"),
				From:     rapid.SliceOfN(rapid.SampledFrom([]string{"1*", "*2", "3"}), 0, 2).Draw(rt, "from"),
			}})
		}
		r := mustRouter(t, routes)
		to, from := "+"+digit.Draw(rt, "to"), digit.Draw(rt, "sender")
		account := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "acc")
		priority := rapid.SampledFrom([]queue.Priority{0, 1, 2}).Draw(rt, "prio")
		want, got := "", ""
		for i := range routes {
			if plainMatch(&routes[i].Match, to[1:], from, account, priority) {
				want = routes[i].ID
				break
			}
		}
		if route := r.find(to, from, account, priority); route != nil {
			got = route.ID
		}
		if got != want {
			rt.Fatalf("%s from %s by %s at %d: got %q, want %q of %+v", to, from, account, priority, got, want, routes)
		}
	})
}

func plainMatch(m *Match, to, from, account string, priority queue.Priority) bool {
	return anyOf(m.Prefix, func(p string) bool { return strings.HasPrefix(to, p) }) &&
		anyOf(m.Account, func(a string) bool { return a == account }) &&
		anyOf(m.Priority, func(p queue.Priority) bool { return p == priority }) &&
		anyOf(m.From, func(p string) bool {
			switch p {
			case "1*":
				return from[0] == '1'
			case "*2":
				return from[len(from)-1] == '2'
			}
			return from == p
		})
}

func anyOf[T any](list []T, is func(T) bool) bool {
	for _, v := range list {
		if is(v) {
			return true
		}
	}
	return len(list) == 0
}

func BenchmarkFind(b *testing.B) {
	var routes []Route
	for i := range 1000 {
		routes = append(routes, Route{ID: fmt.Sprint(i), Match: Match{Prefix: []string{fmt.Sprint(1000 + i)}, Account: []string{"other"}}})
	}
	r := mustRouter(b, append(routes, Route{ID: "default"}))
	for b.Loop() {
		if r.find("+149912345678", "1544", "acme", queue.Normal) == nil {
			b.Fatal("no route")
		}
	}
}
