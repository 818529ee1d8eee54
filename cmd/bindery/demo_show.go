package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"bindery/cmd/bindery/internal/screen"
)

// show sends the campaign, tells how it goes and where it went, and stays.
// interrupted is over at Ctrl-C, ctx also when the gateway fails.
func (d *demo) show(ctx, interrupted context.Context, carriers demoCarriers) error {
	var g demoGateway
	select {
	case g = <-d.listening:
	case <-ctx.Done():
		return ctx.Err()
	}
	api := newDemoAPI(g.addr, d.key)
	defer api.close()
	s := screen.New(d.out)
	if d.verbose {
		s = screen.Plain(d.out)
	}
	tally := newDemoTally(carriers, d.redis)
	began, err := d.campaign(ctx, api, tally, s)
	if err == nil {
		err = d.tell(g, api, tally.summary(began), carriers, s)
	}
	if err == nil && !d.exit {
		fmt.Fprintln(d.out, "\nStays up until Ctrl-C, and tells here what becomes of what you send.")
		err = d.stay(ctx, tally)
	}
	if interrupted.Err() != nil {
		fmt.Fprintln(d.out, "Stopping: what is under way has 10 s to end. Ctrl-C again ends it at once.")
	}
	return err
}

// campaign sends it and returns when every message has ended.
func (d *demo) campaign(ctx context.Context, api *demoAPI, tally *demoTally, s *screen.Screen) (began time.Time, err error) {
	if err := api.awaitReady(ctx); err != nil {
		return began, err
	}
	fmt.Fprintf(d.out, `Bindery demo: Redis, two simulated carriers and the gateway in one process.
  north  %d a second; names messages in hex, reports on them in decimal
  south  slow; throttles above %d a second, does not reach everyone
%d messages: one in 20 is an urgent code, sent all the while, the rest at once

`, northRate, southRate, d.messages)
	began = time.Now()
	live := &demoLive{tally: tally, messages: d.messages, began: began}
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error { return api.push(ctx, tally, d.messages) })
	work.Go(func() error { return live.run(ctx, api, s) })
	return began, work.Wait()
}

// tell prints the summary and what to do next. A command stands alone on its
// line, so that a line can be copied as it is.
func (d *demo) tell(g demoGateway, api *demoAPI, sum demoSummary, carriers demoCarriers, s *screen.Screen) error {
	link, err := g.LoginLink(demoAccount)
	if err != nil {
		return err
	}
	sum.write(d.out, carriers, s.Width())
	fmt.Fprintf(d.out, `
The console (this link works once, within 10 minutes):
%s%s

Send one of your own, from another terminal:
curl -s %s/v1/messages -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' -d '{"to":"+821012345678","from":"1544","text":"hello"}'
`, api.base, link, api.base, api.key)
	if lost := sum.count("lost"); lost > 0 {
		return fmt.Errorf("%d messages did not end", lost)
	}
	return nil
}

// The demo tells events so often, and so many one by one; the rest is counted.
const (
	toldEvery   = 300 * time.Millisecond
	linesAtOnce = 10
)

// stay tells what becomes of what others send, until Ctrl-C.
func (d *demo) stay(ctx context.Context, tally *demoTally) error {
	tick := time.NewTicker(toldEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			fmt.Fprintln(d.out) // behind the terminal's ^C
			return nil
		}
		events, err := tally.read(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		for i, e := range events {
			if i == linesAtOnce {
				fmt.Fprintf(d.out, "%s  and %d events more\n", e.At.Local().Format(time.TimeOnly), len(events)-i)
				break
			}
			fmt.Fprintf(d.out, "%s  %s  %s by %s\n", e.At.Local().Format(time.TimeOnly), screen.Clean(e.To), e.Status, screen.Clean(e.Carrier))
		}
	}
}
