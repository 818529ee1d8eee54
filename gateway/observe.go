package gateway

import (
	"time"

	"bindery/gateway/dispatch"
	"bindery/queue"
)

// observer turns what a dispatcher tells into metrics.
type observer struct {
	m       *metrics
	carrier string
	silence *silence
}

// submitStatus is the label of a class; what surely was not sent has none.
var submitStatus = map[dispatch.Class]string{
	dispatch.ClassOK: "ok", dispatch.ClassThrottled: "throttled", dispatch.ClassTemporary: "temporary",
	dispatch.ClassSession: "temporary", dispatch.ClassPermanent: "permanent", dispatch.ClassUncertain: "uncertain",
}

func (o observer) Submits(c dispatch.Class, n int) {
	o.silence.heard(c, n)
	if status, ok := submitStatus[c]; ok {
		o.m.submits.WithLabelValues(o.carrier, status).Add(float64(n))
	}
}

func (o observer) Answered(took []time.Duration) {
	h := o.m.submit.WithLabelValues(o.carrier)
	for _, t := range took {
		h.Observe(t.Seconds())
	}
}

func (o observer) Finished(fs []queue.Finish, found []queue.Finished) {
	delivery := o.m.delivery.WithLabelValues(o.carrier)
	for i, f := range fs {
		if f.Late {
			continue
		}
		status := f.Status.String()
		switch found[i] {
		case queue.FinishedNew:
			if f.Status.Final() {
				delivery.Observe(time.Since(f.Part.Block.AcceptedAt()).Seconds())
			}
		case queue.FinishedRepeat:
			status = "duplicate"
		case queue.FinishedContradiction:
			status = "contradiction"
		case queue.FinishedGone:
			status = "gone"
		}
		o.m.receipts.WithLabelValues(o.carrier, status).Inc()
	}
}

func (o observer) Parked(int) {}

func (o observer) NoID(n int)    { o.alarm("no_message_id", n) }
func (o observer) Refused(n int) { o.alarm("asked_to_repeat", n) }

func (o observer) Kept(inbound, unparsed int) {
	o.m.receipts.WithLabelValues(o.carrier, "unparsed").Add(float64(unparsed))
	o.alarm("inbound_kept", inbound)
}

func (o observer) alarm(reason string, n int) {
	if n > 0 {
		o.m.alarms.WithLabelValues(o.carrier, reason).Add(float64(n))
	}
}
