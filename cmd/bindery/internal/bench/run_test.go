package bench

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"bindery/cmd/bindery/internal/bench/ledger"
)

// fake is a system of which each part can be told what to do.
type fake struct {
	answer func(ctx context.Context, l *ledger.Ledger, n int) error
	final  func(n int) bool
}

func (f *fake) send(ctx context.Context, p *ledger.Pace, _, _ int) error {
	for {
		n, count := p.Take(1)
		if count == 0 {
			return nil
		}
		p.Wait(ctx, n)
		if err := f.answer(ctx, p.Ledger, n); err != nil {
			return err
		}
		if f.final(n) {
			p.Event(&ledger.Event{ID: kannelID, Status: []byte("delivered"), To: p.AppendNumber(nil, n), At: time.Now().UnixNano()})
		}
	}
}

func (f *fake) follow(ctx context.Context, _ *ledger.Ledger) error { <-ctx.Done(); return nil }
func (f *fake) sample(context.Context) (sample, error)             { return sample{}, nil }
func (f *fake) ready(context.Context) error                        { return nil }

func accepting(_ context.Context, l *ledger.Ledger, n int) error { l.Accept(n, kannelID); return nil }

// A run in which nothing moves ends: with an error when messages are not
// answered, with lost ones in its books when finals do not come.
func TestStandstillEndsARun(t *testing.T) {
	all := func(int) bool { return true }
	for name, c := range map[string]struct {
		f    fake
		lost int
		want error
		took time.Duration // at least; and less than 2 s more
	}{
		"nothing wrong":              {fake{accepting, all}, 0, nil, 0},
		"a final that does not come": {fake{accepting, func(n int) bool { return n != 7 }}, 1, nil, standstill},
		"no answer": {fake{func(ctx context.Context, l *ledger.Ledger, n int) error {
			if n == 7 {
				<-ctx.Done()
				return ctx.Err()
			}
			return accepting(ctx, l, n)
		}, all}, 0, errStill, standstill},
		"a refusal": {fake{func(ctx context.Context, l *ledger.Ledger, n int) error {
			if n == 7 {
				l.Refuse([]byte("no"))
				return nil
			}
			return accepting(ctx, l, n)
		}, all}, 0, errRefused, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				r := newRun(&c.f, ledger.New(100+warmMessages, 1), 100, 1, Full, io.Discard)
				err := r.all(t.Context())
				if !errors.Is(err, c.want) {
					t.Errorf("%v, want %v", err, c.want)
				}
				if took := time.Since(began); took < c.took || took > c.took+2*time.Second {
					t.Errorf("it took %s, want about %s", took, c.took)
				}
				if err != nil {
					return
				}
				var record []byte
				for n := range r.l.Size() {
					record = append(r.l.AppendNumber(record, n), " 1\n"...)
				}
				if err := r.l.ReadRecord(bytes.NewReader(record)); err != nil {
					t.Fatal(err)
				}
				if b := r.l.Balance(100 + warmMessages); b != (Books{Lost: c.lost}) {
					t.Errorf("%+v", b)
				}
			})
		})
	}
}
