package api

import (
	"errors"
	"strings"
	"testing"
	"time"

	"bindery/queue"
)

func TestCarriers(t *testing.T) {
	h := &house{carriers: []Carrier{{ID: "alpha", State: "up", Binds: 2, BindsUp: 2, BindsHere: 1, Window: 50, WindowInUse: 7, Rate: 500, PresentRate: 480.5}}}
	noc := func(method, path string) (int, string) {
		w := h.do(request(method, path, "", "Authorization", "Bearer noc"))
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	const alpha = `"binds":2,"binds_up":2,"binds_here":1,"window":50,"window_in_use":7,"rate":500,"present_rate":480.5,"ceiling":0,"silent":false}`
	if code, body := noc("GET", "/v1/carriers"); code != 200 || body != `{"carriers":[{"id":"alpha","state":"up",`+alpha+`]}` {
		t.Errorf("%d %s", code, body)
	}
	for path, want := range map[string]string{"/v1/carriers/alpha/pause": "paused", "/v1/carriers/alpha/resume": "up"} {
		if code, body := noc("POST", path); code != 200 || body != `{"id":"alpha","state":"`+want+`",`+alpha {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if code, _ := noc("POST", "/v1/carriers/none/pause"); code != 404 {
		t.Errorf("no such carrier: %d", code)
	}
	if !strings.Contains(h.log.String(), `"account":"noc"`) {
		t.Errorf("who paused is not in the log: %s", h.log.String())
	}
	h.setErr = errors.New("away")
	if code, _ := noc("POST", "/v1/carriers/alpha/pause"); code != 503 {
		t.Errorf("Redis is away: %d", code)
	}
	h.carriers = nil
	if code, body := noc("GET", "/v1/carriers"); code != 200 || body != `{"carriers":[]}` {
		t.Errorf("%d %s", code, body)
	}
}

// TestQueues: the configured routes first, at every priority, then the rest.
func TestQueues(t *testing.T) {
	h := &house{depths: queue.Depths{Scheduled: 3, Held: 1, Lanes: []queue.Depth{
		{Route: "@alpha", Priority: queue.Normal, Waiting: 1},
		{Route: "kr", Priority: queue.Urgent, Waiting: 2, Retrying: 5, Oldest: 1500 * time.Millisecond},
	}}}
	w := h.do(request("GET", "/v1/queues", "", "Authorization", "Bearer noc"))
	want := `{"queues":[{"route":"kr","priority":"urgent","depth":7,"retrying":5,"oldest_seconds":1.5}`
	for _, lane := range []string{"kr normal", "kr bulk", "default urgent", "default normal", "default bulk"} {
		route, priority, _ := strings.Cut(lane, " ")
		want += `,{"route":"` + route + `","priority":"` + priority + `","depth":0,"retrying":0,"oldest_seconds":0}`
	}
	want += `,{"route":"@alpha","priority":"normal","depth":1,"retrying":0,"oldest_seconds":0}],"scheduled":3,"held":1}`
	if w.Code != 200 || strings.TrimSpace(w.Body.String()) != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	h.depthsErr = queue.ErrUnavailable
	if w := h.do(request("GET", "/v1/queues", "", "Authorization", "Bearer noc")); w.Code != 503 {
		t.Errorf("%d", w.Code)
	}
}

func TestNetworkIsForAdmins(t *testing.T) {
	for _, r := range [][2]string{{"GET", "/v1/carriers"}, {"POST", "/v1/carriers/alpha/pause"}, {"POST", "/v1/carriers/alpha/resume"}, {"GET", "/v1/queues"}} {
		h := &house{carriers: []Carrier{{ID: "alpha"}}}
		for key, code := range map[string]int{"right": 403, "wrong": 401} {
			if w := h.do(request(r[0], r[1], "", "Authorization", "Bearer "+key)); w.Code != code {
				t.Errorf("%s %s: %d", r[0], r[1], w.Code)
			}
		}
		if len(h.pauses) > 0 {
			t.Error("paused")
		}
	}
}

func TestAccount(t *testing.T) {
	w := (&house{}).do(request("GET", "/v1/account", ""))
	if w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"id":"acme","rate":0,"stream":"bindery:{s0}:status:acme","admin":false}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := (&house{getErr: queue.ErrUnavailable}).do(request("GET", "/v1/account", "")); w.Code != 503 {
		t.Errorf("%d", w.Code)
	}
}

func TestCancel(t *testing.T) {
	h := &house{}
	for range 2 {
		if w := h.do(request("DELETE", "/v1/messages/i", "")); w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"id":"i","status":"canceled"}` {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if len(h.canceled) != 2 {
		t.Errorf("%v", h.canceled)
	}
	for err, code := range map[error]int{queue.ErrTooLate: 409, queue.ErrNotFound: 404, queue.ErrGone: 410, queue.ErrUnavailable: 503} {
		if w := (&house{getErr: err}).do(request("DELETE", "/v1/messages/i", "")); w.Code != code {
			t.Errorf("%v: %d", err, w.Code)
		}
	}
	if w := (&house{}).do(request("DELETE", "/v1/messages/i", "", "Authorization", "Bearer noc")); w.Code != 404 {
		t.Errorf("another account: %d", w.Code)
	}
}

// TestOverTheRate is a 429 that says when to come again, in whole seconds.
func TestOverTheRate(t *testing.T) {
	for wait, retry := range map[time.Duration]string{time.Millisecond: "1", time.Second: "1", 1001 * time.Millisecond: "2", 3 * time.Hour: "10800"} {
		h := &house{}
		h.result.Err = &queue.TooFastError{Wait: wait}
		if w := h.do(request("POST", "/v1/messages", good)); w.Code != 429 || w.Header().Get("Retry-After") != retry {
			t.Errorf("%v: %d %v", wait, w.Code, w.Header())
		}
	}
}
