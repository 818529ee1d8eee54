package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bindery/queue"
	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

// What the contract says of a carrier with rate 100 under backlog.
const (
	paceRate    = 100
	paceMost    = 110 // submits in any second
	paceLeast   = 97  // a second, of a backlog
	urgentBound = 250 * time.Millisecond
)

// TestPace: urgent messages behind 5,000 of bulk at a carrier held to 100 a
// second leave at once, no second has more than 110, and the backlog uses 97.
func TestPace(t *testing.T) {
	measuresRates(t)
	for _, c := range []struct {
		name            string
		gateways, block int
		cluster, long   bool
	}{
		{name: "bulk one by one", gateways: 1, block: 1},
		{name: "bulk in blocks", gateways: 1, block: 500, long: true},
		{name: "two shards", gateways: 1, block: 500, cluster: true, long: true},
		{name: "two gateways", gateways: 2, block: 500, cluster: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.long && !thorough() {
				t.Skip("only with BINDERY_CHAOS=long")
			}
			onAQuietMachine(t, func() []string {
				p := newPace(t, c.gateways, c.block, c.cluster)
				defer p.end()
				p.watch(either(12, 60))
				if c.gateways > 1 {
					p.takeOver()
				}
				p.judge()
				return p.faults
			})
		})
	}
}

// onAQuietMachine measures up to three times while this process itself was late
// by more than a moment: then others had the processor, and what was measured
// is they. A fault on a machine that had time for us is one.
func onAQuietMachine(t *testing.T, measure func() (faults []string)) {
	t.Helper()
	const tries, moment = 3, 20 * time.Millisecond
	for try := 1; ; try++ {
		late := startLateness()
		faults := measure()
		lag := late.stop()
		t.Logf("this process was late by up to %s", lag)
		if len(faults) == 0 {
			return
		}
		if lag <= moment || try == tries {
			for _, f := range faults {
				t.Error(f)
			}
			return
		}
		t.Logf("the machine was busy, measured again: %s", strings.Join(faults, "; "))
	}
}

// lateness finds by how much a goroutine that sleeps wakes up too late.
type lateness struct {
	end   chan struct{}
	worst chan time.Duration
}

func startLateness() lateness {
	l := lateness{make(chan struct{}), make(chan time.Duration, 1)}
	go func() {
		const nap = 5 * time.Millisecond
		timer := time.NewTimer(nap)
		defer timer.Stop()
		worst := time.Duration(0)
		for {
			slept := time.Now()
			timer.Reset(nap)
			select {
			case <-timer.C:
				worst = max(worst, time.Since(slept)-nap)
			case <-l.end:
				l.worst <- worst
				return
			}
		}
	}()
	return l
}

func (l lateness) stop() time.Duration {
	close(l.end)
	return <-l.worst
}

type pace struct {
	*fleet
	began   time.Time
	urgents []urgent
	faults  []string

	mu      sync.Mutex // guards arrived
	arrived map[string]time.Time
}

type urgent struct {
	to       string
	accepted time.Time
}

func newPace(t *testing.T, gateways, block int, cluster bool) *pace {
	p := &pace{arrived: map[string]time.Time{}}
	p.fleet = newFleet(t, fleetOptions{
		gateways: gateways, cluster: cluster, alone: true, carrier: fmt.Sprintf("binds: 2, window: 10, rate: %d", paceRate),
		smsc: smsctest.Options{
			MaxBinds: 2, Window: smsctest.Window{Max: 10},
			Answers: smsctest.Answers{Latency: smsctest.Span{Min: 10 * time.Millisecond, Max: 30 * time.Millisecond}},
		},
	})
	p.bound(2)
	p.smsc.On(pdu.CommandSubmitSM, func(_ *smsctest.Conn, q pdu.PDU) smsctest.Action {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.arrived[string(q.(*pdu.SubmitSM).Destination.Addr)] = time.Now()
		return smsctest.Pass()
	})
	p.pushBulk(5000, block)
	p.more(paceRate) // the first grants are behind
	p.began = time.Now()
	return p
}

// end leaves nothing running.
func (p *pace) end() {
	p.t.Helper()
	p.kill(0)
	if len(p.gateways) > 1 && p.gateway(1) != nil {
		p.kill(1)
	}
	p.redis.Kill(p.t)
}

func (p *pace) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}

// pushBulk queues n messages in pushes of block.
func (f *fleet) pushBulk(n, block int) {
	f.t.Helper()
	for at := 0; at < n; at += block {
		push := &queue.Push{Account: fleetAccounts[at/block%len(fleetAccounts)], Route: "default", Priority: queue.Bulk}
		for range block {
			m := int(f.sequence.Add(1))
			push.Messages = append(push.Messages, queue.Message{
				To: number(m), From: "1544", Text: fmt.Sprintf("message %d", m), Parts: 1, Validity: time.Hour,
			})
		}
		if _, err := f.queue.Accept(context.Background(), push); err != nil {
			f.t.Fatal(err)
		}
	}
}

// watch sends n urgent messages, each when the carrier has had some of the bulk
// since the one before.
func (p *pace) watch(n int) {
	p.t.Helper()
	for range n {
		p.more(paceRate / 2)
		p.urgent()
	}
	p.more(paceRate)
}

func (p *pace) urgent() {
	p.t.Helper()
	to := number(int(p.sequence.Add(1)))
	body, err := json.Marshal(map[string]string{"to": to, "from": "1544", "text": "now", "priority": "urgent"})
	if err != nil {
		p.t.Fatal(err)
	}
	g := p.gateway(len(p.urgents))
	req, err := http.NewRequest(http.MethodPost, g.base+"/v1/messages", bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+apiKey("acme"))
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	accepted := time.Now()
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		p.t.Fatalf("an urgent message was answered %d", resp.StatusCode)
	}
	p.urgents = append(p.urgents, urgent{to[1:], accepted})
}

// takeOver kills a gateway: from lease and 2 s on the other has the full rate.
func (p *pace) takeOver() {
	p.t.Helper()
	killed := time.Now()
	p.kill(1)
	full := killed.Add(lease + 2*time.Second)
	const seconds = 5
	within(p.t, 30*time.Second, "the time after the take-over", func() bool { return time.Since(full) > seconds*time.Second })
	n := 0
	for _, s := range p.smsc.Submits() {
		if d := s.At.Sub(full); d >= 0 && d < seconds*time.Second {
			n++
		}
	}
	p.t.Logf("the gateway that was left used %d of %d from lease + 2 s on", n, seconds*paceRate)
	if n < seconds*paceLeast {
		p.fault("a gateway died; from lease + 2 s on the other submitted %d in %d s, want %d", n, seconds, seconds*paceLeast)
	}
	// The time in which only one bind was there is not the backlog's.
	p.began = full
}

func (p *pace) judge() {
	p.t.Helper()
	var times []time.Time
	for _, s := range p.smsc.Submits() {
		times = append(times, s.At)
	}
	slices.SortFunc(times, time.Time.Compare)
	most, used := busiest(times), perSecond(times, p.began)
	s := p.smsc.Stats()
	p.t.Logf("busiest second %d, %.1f a second used, window %d; by second %v", most, used, s.MaxWindow, bySecond(times))
	if most > paceMost {
		p.fault("a second had %d submits, want at most %d", most, paceMost)
	}
	if used < paceLeast {
		p.fault("the backlog used %.1f a second, want at least %d", used, paceLeast)
	}
	if s.Violations > 0 || s.Refused > 0 || s.MaxWindow > 10 {
		p.fault("%d submits beyond a window, %d binds beyond two, the fullest window had %d of 10", s.Violations, s.Refused, s.MaxWindow)
	}
	p.judgeUrgents()
}

func (p *pace) judgeUrgents() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	var worst time.Duration
	var each []time.Duration
	for i, u := range p.urgents {
		at, ok := p.arrived[u.to]
		if !ok {
			p.fault("urgent message %d has not left", i)
			continue
		}
		took := at.Sub(u.accepted)
		worst = max(worst, took)
		each = append(each, took.Round(time.Millisecond))
	}
	p.t.Logf("urgent messages left after their 202 by %v", each)
	if worst > urgentBound {
		p.fault("an urgent message left %s after its 202, want at most %s", worst, urgentBound)
	}
}

// busiest is the most of times that lie within one second.
func busiest(times []time.Time) (most int) {
	from := 0
	for to := range times {
		for times[to].Sub(times[from]) >= time.Second {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}

// bySecond counts times by the second since the first.
func bySecond(times []time.Time) (counts []int) {
	for _, at := range times {
		for i := int(at.Sub(times[0]) / time.Second); i >= len(counts); {
			counts = append(counts, 0)
		}
		counts[len(counts)-1]++
	}
	return counts
}

// perSecond is how many of times lie in a second, from began to the last.
func perSecond(times []time.Time, began time.Time) float64 {
	n := 0
	for _, at := range times {
		if !at.Before(began) {
			n++
		}
	}
	return float64(n) / times[len(times)-1].Sub(began).Seconds()
}
