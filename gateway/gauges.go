package gateway

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"bindery/queue"
	"bindery/smpp/bindpool"
)

// gauges reads, when it is scraped, what is a state and not a count: binds,
// windows, queues.
type gauges struct {
	g *Gateway

	bindUp, windowInUse, depth, oldest, rate *prometheus.Desc
}

const scrapeBound = 2 * time.Second // of what a scrape asks of Redis

func newGauges(g *Gateway) *gauges {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &gauges{
		g:           g,
		bindUp:      desc("bindery_bind_up", "1 when the bind is up.", "carrier", "bind"),
		windowInUse: desc("bindery_window_in_use", "Unanswered submit_sm of the bind.", "carrier", "bind"),
		depth:       desc("bindery_queue_depth", "Parts that wait to be leased, of all instances.", "route", "priority"),
		oldest:      desc("bindery_queue_oldest_seconds", "Since the oldest of them was accepted.", "route", "priority"),
		rate:        desc("bindery_rate", "Present submit_sm per second of the carrier, all instances; 0: no limit.", "carrier"),
	}
}

func (c *gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.bindUp, c.windowInUse, c.depth, c.oldest, c.rate} {
		ch <- d
	}
}

func (c *gauges) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, x := range c.g.fleet.all() {
		states := x.connector.Snapshot()
		for i := range max(x.cfg.Binds, len(states)) {
			up, inUse := 0.0, 0.0
			if i < len(states) && states[i].State == bindpool.Up {
				up, inUse = 1, float64(states[i].InUse)
			}
			gauge(c.bindUp, up, x.cfg.ID, strconv.Itoa(i))
			gauge(c.windowInUse, inUse, x.cfg.ID, strconv.Itoa(i))
		}
		gauge(c.rate, x.budget.PerSecond(), x.cfg.ID)
	}
	c.queues(gauge)
}

// queues leaves the series out when Redis does not answer: a zero would say
// that nothing waits.
func (c *gauges) queues(gauge func(d *prometheus.Desc, v float64, labels ...string)) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeBound)
	defer cancel()
	if !c.g.started.Load() {
		return
	}
	depths, err := c.g.queue.Depths(ctx)
	if err != nil {
		c.g.log.Warn().Err(err).Msg("reading queue depths")
		return
	}
	type lane struct {
		route    string
		priority queue.Priority
	}
	seen := map[lane]queue.Depth{}
	for _, r := range c.g.config().Routes {
		for p := queue.Urgent; p <= queue.Bulk; p++ {
			seen[lane{r.ID, p}] = queue.Depth{}
		}
	}
	for _, d := range depths.Lanes {
		seen[lane{d.Route, d.Priority}] = d
	}
	for l, d := range seen {
		gauge(c.depth, float64(d.Waiting+d.Retrying), l.route, l.priority.String())
		gauge(c.oldest, d.Oldest.Seconds(), l.route, l.priority.String())
	}
}
