package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"bindery/cmd/bindery/internal/screen"
	"bindery/smpp/pdu"
)

const (
	pictureEvery = 125 * time.Millisecond
	lineEvery    = time.Second // where nothing can be redrawn
)

// demoLive shows how far the campaign is: a picture that is redrawn on a
// terminal, else a line a second.
type demoLive struct {
	tally    *demoTally
	messages int
	began    time.Time
	past     []demoMoment // of the last second
}

type demoMoment struct {
	at    time.Time
	ended int
}

// demoView is all that a picture shows, taken at one moment.
type demoView struct {
	demoCounts
	demoNetwork
	messages  int
	elapsed   time.Duration
	perSecond float64
	rows      [2]demoRow
}

// demoRow is a carrier: what the gateway tells of it, what it counted itself,
// and what the status stream said.
type demoRow struct {
	carrierView
	habits               string
	submits, throttled   uint64
	delivered, otherwise int
}

// run ends when every message has.
func (l *demoLive) run(ctx context.Context, api *demoAPI, s *screen.Screen) error {
	every := lineEvery
	if s.Live() {
		every = pictureEvery
	}
	defer s.End()
	tick := time.NewTicker(every)
	defer tick.Stop()
	look := time.NewTicker(pictureEvery)
	defer look.Stop()
	for show := true; ; {
		if err := l.tally.follow(ctx); err != nil {
			return err
		}
		done := l.tally.done(l.messages)
		if show || done {
			if err := l.show(ctx, api, s); err != nil {
				return err
			}
		}
		if done {
			return nil
		}
		select {
		case <-tick.C:
			show = true
		case <-look.C:
			show = false
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *demoLive) show(ctx context.Context, api *demoAPI, s *screen.Screen) error {
	n, err := api.network(ctx)
	if err != nil {
		return err
	}
	v := l.view(n, time.Now())
	if s.Live() {
		return s.Draw(v.picture)
	}
	s.Progress(v.line(s.Width()))
	return nil
}

func (l *demoLive) view(n demoNetwork, now time.Time) demoView {
	v := demoView{demoCounts: l.tally.counts(), demoNetwork: n, messages: l.messages, elapsed: now.Sub(l.began)}
	l.past = append(l.past, demoMoment{now, v.ended})
	for len(l.past) > 2 && now.Sub(l.past[1].at) >= time.Second {
		l.past = l.past[1:]
	}
	if first := l.past[0]; now.After(first.at) {
		v.perSecond = float64(v.ended-first.ended) / now.Sub(first.at).Seconds()
	}
	for i, c := range l.tally.carriers {
		stats, r := c.smsc.Stats(), demoRow{carrierView: n.carriers[c.id], habits: c.habits}
		r.ID, r.submits, r.throttled = c.id, stats.ByStatus[pdu.StatusOK], stats.ByStatus[pdu.StatusThrottled]
		r.delivered, r.otherwise = l.tally.ofCarrier(i)
		v.rows[i] = r
	}
	return v
}

// picture is the fullest of its forms that fits.
func (v demoView) picture(width, height int) []screen.Line {
	carriers, priorities := v.carrierTable(width), v.priorityTable(width)
	full := slices.Concat(carriers, []screen.Line{nil}, priorities, []screen.Line{nil, v.bar(width)})
	below := []screen.Line{screen.Of(v.queued(width)), v.bar(width)}
	short, shorter := slices.Concat(carriers, below), slices.Concat(carriers[:3], below)
	tooWide := func(line screen.Line) bool { return line.Width() > width }
	for _, lines := range [][]screen.Line{full, short, shorter} {
		if len(lines) <= height && !slices.ContainsFunc(lines, tooWide) {
			return lines
		}
	}
	return []screen.Line{v.bar(width)}
}

func (v demoView) carrierTable(width int) []screen.Line {
	columns := []screen.Column{
		{Head: "CARRIER", Left: true}, {Head: "HABITS", Left: true, Spare: 6}, {Head: "BINDS", Spare: 4}, {Head: "WINDOW", Spare: 3},
		{Head: "SUBMITS", Spare: 1}, {Head: "THROTTLED", Spare: 2}, {Head: "DELIVERED"}, {Head: "NOT DELIVERED", Spare: 5},
	}
	all := demoRow{}
	var rows [][]screen.Text
	row := func(name, habits string, r demoRow) {
		throttled := plain(r.throttled)
		if r.throttled > 0 {
			throttled.Style = screen.Yellow
		}
		rows = append(rows, []screen.Text{
			{Text: name, Style: screen.Bold}, {Text: habits, Style: screen.Dim}, plain(fmt.Sprintf("%d/%d", r.BindsUp, r.Binds)),
			plain(fmt.Sprintf("%d/%d", r.WindowInUse, r.Window)), plain(r.submits), throttled, {Text: strconv.Itoa(r.delivered), Style: screen.Green}, plain(r.otherwise),
		})
	}
	for _, r := range v.rows {
		r.Window *= r.Binds // of all binds
		row(r.ID, r.habits, r)
		all.BindsUp, all.Binds = all.BindsUp+r.BindsUp, all.Binds+r.Binds
		all.WindowInUse, all.Window = all.WindowInUse+r.WindowInUse, all.Window+r.Window
		all.submits, all.throttled = all.submits+r.submits, all.throttled+r.throttled
		all.delivered, all.otherwise = all.delivered+r.delivered, all.otherwise+r.otherwise
	}
	row("all", "", all)
	return screen.Grid(columns, rows, width)
}

func (v demoView) priorityTable(width int) []screen.Line {
	columns := []screen.Column{{Head: "PRIORITY", Left: true}, {Head: "QUEUED"}, {Head: "OLDEST", Spare: 2}, {Head: "DELIVERED IN", Spare: 1}}
	var rows [][]screen.Text
	for _, p := range demoPriorities {
		oldest, lately := "-", "-"
		if v.waiting[p] > 0 {
			oldest = fmt.Sprintf("%.1f s", v.oldest[p])
		}
		if took, any := v.lately[p]; any {
			lately = fmt.Sprintf("%.1f s", took.Seconds())
		}
		rows = append(rows, []screen.Text{{Text: p, Style: screen.Bold}, plain(v.waiting[p]), plain(oldest), plain(lately)})
	}
	return screen.Grid(columns, rows, width)
}

func plain(v any) screen.Text { return screen.Text{Text: fmt.Sprint(v)} }

// queued is the priorities in a line.
func (v demoView) queued(width int) string {
	urgent, normal, bulk := v.waiting["urgent"], v.waiting["normal"], v.waiting["bulk"]
	return longest(width, fmt.Sprintf("queued: urgent %d, normal %d, bulk %d", urgent, normal, bulk), fmt.Sprintf("queued %d/%d/%d", urgent, normal, bulk), fmt.Sprintf("queued %d", urgent+normal+bulk))
}

// bar is the whole. Two columns are left free: a terminal writes ^C there.
func (v demoView) bar(width int) screen.Line {
	percent := 100 * v.ended / max(v.messages, 1)
	text := longest(width-14,
		fmt.Sprintf("%3d %%  %d of %d ended, %.0f/s, %.1f s", percent, v.ended, v.messages, v.perSecond, v.elapsed.Seconds()),
		fmt.Sprintf("%3d %%  %d of %d, %.0f/s", percent, v.ended, v.messages, v.perSecond),
		fmt.Sprintf("%3d %%", percent))
	if room := min(60, width-len(text)-5); room >= 4 {
		return screen.Line{{Text: screen.Bar(room, v.ended, v.messages), Style: screen.Green}, {Text: " " + text}}
	}
	return screen.Of(longest(width, fmt.Sprintf("%d/%d", v.ended, v.messages), fmt.Sprintf("%d %%", percent)))
}

// line is the same for where nothing can be redrawn.
func (v demoView) line(width int) string {
	head := fmt.Sprintf("%5.1f s %s", v.elapsed.Seconds(), screen.Bar(16, v.ended, v.messages))
	north, south := v.rows[0], v.rows[1]
	return longest(width,
		fmt.Sprintf("%s %d of %d ended, %.0f/s; delivered: %s %d, %s %d; not: %d; throttled %d; queued: urgent %d, normal %d, bulk %d", head, v.ended, v.messages, v.perSecond,
			north.ID, north.delivered, south.ID, south.delivered, v.ended-v.delivered, north.throttled+south.throttled, v.waiting["urgent"], v.waiting["normal"], v.waiting["bulk"]),
		fmt.Sprintf("%s %d of %d ended, %d delivered, %.0f/s", head, v.ended, v.messages, v.delivered, v.perSecond),
		fmt.Sprintf("%s %d of %d ended", screen.Bar(10, v.ended, v.messages), v.ended, v.messages),
		fmt.Sprintf("%d/%d", v.ended, v.messages))
}

// longest is the first that fits; the last fits or not.
func longest(width int, forms ...string) string {
	for _, form := range forms {
		if len(form) <= width {
			return form
		}
	}
	return forms[len(forms)-1]
}
