package ingress

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"time"

	"bindery/queue"
)

// Bounds of a batch.
const (
	MaxRecipients = 10_000
	maxBatchParts = 50_000
	maxBatchTexts = 16 << 20 // octets of all texts with their values
)

// ErrBatchTooLarge: a batch has more recipients, parts or text than one push
// takes. Its message says which.
var ErrBatchTooLarge = errors.New("the batch is too large")

// Batch is one text for many.
type Batch struct {
	Draft      Draft // what they share; its text may have places for values
	Recipients []Recipient
}

// Recipient is one of them.
type Recipient struct {
	To        string
	Reference string // "": the batch's
	Values    []Value
	Faults    []FieldError // as a Draft's
}

// Value is put where the text has its name.
type Value struct{ Name, Text string }

func (r *Recipient) value(name string) (string, bool) {
	for i := range r.Values {
		if r.Values[i].Name == name {
			return r.Values[i].Text, true
		}
	}
	return "", false
}

// RecipientError says what is wrong with one recipient.
type RecipientError struct {
	Index   int    `json:"index"`
	Field   string `json:"field"`
	Message string `json:"message"`
}

// BatchResult is the answer to a batch.
type BatchResult struct {
	ID       string
	Accepted int
	IDs      []queue.ID // one a recipient, "" for one that was refused
	Refused  []RecipientError
	Errors   []FieldError // of what all share: nothing was taken
	Err      error
}

// Batch validates, routes and pushes a batch: all of its good recipients are in
// Redis, or none. Without a good one it is refused. key may be nil.
func (d *Door) Batch(ctx context.Context, a *Account, b *Batch, key *queue.Key) *BatchResult {
	if key != nil {
		if r := d.batchBefore(ctx, a, key); r != nil {
			return r
		}
	}
	p := d.prepareBatch(a, b)
	if p.res.Err != nil || len(p.res.Errors) > 0 {
		return &p.res
	}
	p.push.Limit = a.limitWhole()
	refused, err := json.Marshal(p.res.Refused)
	if err != nil {
		return &BatchResult{Err: err}
	}
	p.push.Batch = &queue.Batch{Refused: refused}
	if key != nil {
		key.Kept, key.Lines = keptBatch, p.lines()
		p.push.Key = key
	}
	results := make([]Result, len(b.Recipients))
	if err := d.push(ctx, &p.group, results); err != nil {
		return &BatchResult{Err: tooLarge(err)}
	}
	if p.push.Before { // by another request at the same time
		if r := d.batchBefore(ctx, a, key); r != nil {
			return r
		}
	}
	for i := range results {
		p.res.IDs = append(p.res.IDs, results[i].ID)
	}
	p.res.ID, p.res.Accepted = results[p.places[0]].ID.BatchID(), len(p.places)
	return &p.res
}

func tooLarge(err error) error {
	if errors.Is(err, queue.ErrTooLarge) {
		return fmt.Errorf("%w: %w", ErrBatchTooLarge, err)
	}
	return err
}

// batchBefore answers a repeat of a key, nil when there was none before.
func (d *Door) batchBefore(ctx context.Context, a *Account, key *queue.Key) *BatchResult {
	rec, err := d.queue.Recorded(ctx, a.ID, key.Hash, 0)
	switch {
	case err != nil:
		return &BatchResult{Err: err}
	case rec == nil:
		return nil
	case rec.Body != key.Body || rec.Kept != keptBatch:
		return &BatchResult{Err: queue.ErrKeyConflict}
	}
	r := &BatchResult{IDs: rec.IDs}
	for _, id := range rec.IDs {
		if id == "" {
			continue
		}
		if r.Accepted++; r.ID == "" {
			r.ID = id.BatchID()
		}
	}
	v, err := d.queue.Batch(ctx, a.ID, r.ID)
	if errors.Is(err, queue.ErrGone) || errors.Is(err, queue.ErrNotFound) {
		return r // the history is shorter than a day: the reasons went with it
	}
	if err == nil {
		err = json.Unmarshal(v.Refused, &r.Refused)
	}
	if err != nil {
		return &BatchResult{Err: err}
	}
	return r
}

// preparing is a batch on its way to the queue.
type preparing struct {
	group
	batch    *Batch
	door     *Door
	account  *Account
	router   *router
	now      time.Time
	shared   *checked
	template *template
	texts    filled
	res      BatchResult
	parts    int
	octets   int
}

func (d *Door) prepareBatch(a *Account, b *Batch) *preparing {
	p := &preparing{batch: b, door: d, account: a, router: d.router.Load(), now: d.now()}
	p.push.Account = a.ID
	if p.checkShared(); len(p.res.Errors) > 0 || p.res.Err != nil {
		return p
	}
	p.push.Messages, p.texts.left = make([]queue.Message, 0, len(b.Recipients)), len(b.Recipients)
	for i := range b.Recipients {
		if p.recipient(i); i%Yield == Yield-1 {
			runtime.Gosched()
		}
		if p.parts > maxBatchParts || p.octets > maxBatchTexts {
			p.res.Err = fmt.Errorf("%w: at most %d parts and %d MiB of text in all are taken", ErrBatchTooLarge, maxBatchParts, maxBatchTexts>>20)
			return p
		}
	}
	if len(p.places) == 0 {
		for _, e := range p.res.Refused[:min(len(p.res.Refused), 100)] {
			p.res.Errors = append(p.res.Errors, FieldError{fmt.Sprintf("recipients[%d].%s", e.Index, e.Field), e.Message})
		}
	}
	return p
}

// checkShared checks what all recipients share.
func (p *preparing) checkShared() {
	c := &checked{errs: append([]FieldError(nil), p.batch.Draft.Faults...)}
	c.rest(&p.batch.Draft, p.now)
	c.text(p.batch.Draft.Text)
	if !c.faulty("text") {
		t, err := parseTemplate(p.batch.Draft.Text)
		if err != nil {
			c.fault("text", "%v", err)
		}
		p.template = t
	}
	switch n := len(p.batch.Recipients); {
	case n > MaxRecipients:
		p.res.Err = fmt.Errorf("%w: at most %d recipients are taken", ErrBatchTooLarge, MaxRecipients)
	case n == 0:
		c.fault("recipients", "is missing or empty")
	}
	p.shared, p.res.Errors = c, c.errs
}

// recipient prepares one message of the batch.
func (p *preparing) recipient(i int) {
	r := &p.batch.Recipients[i]
	c := checked{message: p.shared.message, encoding: p.shared.encoding, errs: append([]FieldError(nil), r.Faults...)}
	c.to(r.To)
	if r.Reference != "" {
		c.message.Reference = r.Reference
		c.label("reference", r.Reference, maxReference)
	}
	if !c.faulty("values") {
		text, missing := p.template.fill(&p.texts, r.value)
		if missing != "" {
			c.fault("values."+missing, "is missing, and the text names it")
			c.message.Text = ""
		} else {
			c.text(text)
		}
	}
	if c.message.Text != "" {
		var res Result
		p.door.route(p.router, p.account, &c, &res)
	}
	for _, e := range c.errs {
		p.res.Refused = append(p.res.Refused, RecipientError{i, e.Field, e.Message})
	}
	if len(c.errs) == 0 {
		p.add(&c.message, i)
		p.parts, p.octets = p.parts+c.message.Parts, p.octets+len(c.message.Text)
	}
}

// lines tells which recipients are taken.
func (p *preparing) lines() []uint8 {
	lines := make([]uint8, len(p.batch.Recipients))
	for _, place := range p.places {
		lines[place] = 1
	}
	return lines
}
