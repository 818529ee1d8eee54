package gateway

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are the counters and histograms of CONTRACT.md. Series with closed
// labels exist from the start, at zero, so that a rate over them is right from
// the first event on.
type metrics struct {
	registry *prometheus.Registry
	messages *prometheus.CounterVec
	submits  *prometheus.CounterVec
	receipts *prometheus.CounterVec
	submit   *prometheus.HistogramVec
	delivery *prometheus.HistogramVec
	alarms   *prometheus.CounterVec
}

var (
	submitStatuses  = []string{"ok", "throttled", "temporary", "permanent", "uncertain"}
	receiptStatuses = []string{"delivered", "undelivered", "expired", "rejected", "unknown", "enroute", "duplicate", "contradiction", "gone", "unmatched", "unparsed"}
)

func newMetrics(version string) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		messages: counter("bindery_messages_total", "Messages accepted (in Redis).", "account", "route"),
		submits:  counter("bindery_submits_total", "submit_sm by how they ended.", "carrier", "status"),
		receipts: counter("bindery_receipts_total", "Delivery receipts by what they said or met.", "carrier", "status"),
		alarms:   counter("bindery_alarms_total", "Conditions a person should look at.", "carrier", "reason"),
		submit: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "bindery_submit_seconds", Help: "submit_sm to its response.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"carrier"}),
		delivery: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "bindery_delivery_seconds", Help: "Accepted to final receipt.",
			Buckets: []float64{.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43200, 86400},
		}, []string{"carrier"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "bindery_build_info", Help: "1, labelled with the version.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.messages, m.submits, m.receipts, m.alarms, m.submit, m.delivery, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// carrier makes a carrier's series exist.
func (m *metrics) carrier(id string) {
	for _, s := range submitStatuses {
		m.submits.WithLabelValues(id, s)
	}
	for _, s := range receiptStatuses {
		m.receipts.WithLabelValues(id, s)
	}
	m.submit.WithLabelValues(id)
	m.delivery.WithLabelValues(id)
}
