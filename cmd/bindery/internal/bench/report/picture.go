package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"

	"bindery/cmd/bindery/internal/bench"
)

// SVG draws the runs at full speed, a row each: messages completed a second,
// and beside it what a message costs, stacked by process. It is one file with
// nothing from elsewhere. Its card is opaque and follows the reader's colour
// scheme with all that is on it, so that it can be read on any page.
func SVG(w io.Writer, out *bench.Outcome) error {
	p := newPicture(out)
	p.frame()
	for i, r := range p.rows {
		p.row(i, r)
	}
	p.foot()
	p.b.WriteString("</svg>\n")
	_, err := io.WriteString(w, p.b.String())
	return err
}

// Places, in units of the view box (a pixel at its own size).
const (
	wide      = 900
	margin    = 20
	labels    = 252 // where the left panel begins
	leftWide  = 155 // the longest bar of it
	costs     = 490 // where the right panel begins
	rightWide = 165
	top       = 92 // of the first row
	rowHigh   = 24
	barHigh   = 15
	groupGap  = 12 // before another form or variant
)

// colours of processes; the classes are in the style.
var colours = []struct{ process, light, dark string }{
	{"gateway", "#1f6feb", "#4c8dff"},
	{"redis", "#c2334d", "#f0657c"},
	{"smsbox", "#a8660b", "#e3a23c"},
	{"bearerbox", "#6b4fbb", "#a48df0"},
	{"smsc", "#768390", "#909dab"},
	{"load", "#b1bac4", "#586673"},
}

type picture struct {
	b        strings.Builder
	out      *bench.Outcome
	rows     []*bench.Result
	y        []int   // of the rows
	high     int     // of the picture
	fastest  float64 // messages/s, and
	dearest  float64 // µs, of all rows
	footings []string
}

func newPicture(out *bench.Outcome) *picture {
	p := &picture{out: out, fastest: 1, dearest: 1, footings: wrapped(footer(out))}
	for _, r := range slices.Concat(out.Runs, out.Kannel) {
		if r.Rate == 0 || out.Runs[0].Rate > 0 { // all have a rate, or those that have none are drawn
			p.rows = append(p.rows, r)
			p.fastest, p.dearest = max(p.fastest, r.Completed), max(p.dearest, sum(r))
		}
	}
	y := top
	for i, r := range p.rows {
		if i > 0 && (r.Form != p.rows[i-1].Form || r.Kannel != p.rows[i-1].Kannel) {
			y += groupGap
		}
		p.y = append(p.y, y)
		y += rowHigh
	}
	p.high = y + 34 + 17*len(p.footings)
	return p
}

func (p *picture) print(format string, args ...any) { fmt.Fprintf(&p.b, format+"\n", args...) }

// text writes escaped text; anchor is start, middle or end.
func (p *picture) text(x float64, y int, class, anchor, text string) {
	p.print(`<text x="%.1f" y="%d" class="%s" text-anchor="%s">%s</text>`, x, y, class, anchor, escape(text))
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return b.String()
}

func (p *picture) bar(x float64, y int, width float64, class string) {
	p.print(`<rect x="%.1f" y="%d" width="%.1f" height="%d" class="%s"/>`, x, y, max(width, 1), barHigh, class)
}

func (p *picture) frame() {
	title := "Bindery: messages a second, and what each costs"
	if len(p.out.Kannel) > 0 {
		title = "Bindery beside Kannel: messages a second, and what each costs"
	}
	p.print(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="title">`, wide, p.high, wide, p.high)
	p.print(`<title id="title">%s</title>`, escape(title))
	p.style()
	p.print(`<rect x="0.5" y="0.5" width="%d" height="%d" rx="8" class="card"/>`, wide-1, p.high-1)
	p.text(margin, 30, "title", "start", title)
	p.text(margin, top-18, "head", "start", "form of the send")
	p.text(labels-8, top-18, "head", "end", "receipts after")
	p.text(labels, top-18, "head", "start", "messages completed a second")
	p.text(costs, top-18, "head", "start", "CPU µs a message, by process")
	x := float64(margin)
	for _, c := range colours {
		if !slices.ContainsFunc(p.rows, func(r *bench.Result) bool { _, has := r.CPU[c.process]; return has }) {
			continue
		}
		p.print(`<rect x="%.1f" y="43" width="11" height="11" class="%s"/>`, x, c.process)
		p.text(x+16, 53, "small", "start", processName(c.process))
		x += 36 + 6.9*float64(len(processName(c.process)))
	}
}

func (p *picture) style() {
	sheet := func(card, line, ink, soft string, colour func(i int) string) string {
		s := fmt.Sprintf(".card{fill:%s;stroke:%s}text{fill:%s}.small,.head,.foot{fill:%s}", card, line, ink, soft)
		for i, c := range colours {
			s += fmt.Sprintf(".%s{fill:%s}", c.process, colour(i))
		}
		return s
	}
	p.print("<style>text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}.title{font-size:16px;font-weight:600}.head,.small,.foot{font-size:12px}.value{font-weight:600}")
	p.print(".ours{fill:#1f6feb}.theirs{fill:#8c959f}")
	p.print("%s", sheet("#ffffff", "#d0d7de", "#1f2328", "#59636e", func(i int) string { return colours[i].light }))
	p.print("@media(prefers-color-scheme:dark){.ours{fill:#4c8dff}.theirs{fill:#7d8590}%s}</style>",
		sheet("#0d1117", "#30363d", "#e6edf3", "#9198a1", func(i int) string { return colours[i].dark }))
}

func (p *picture) row(i int, r *bench.Result) {
	y := p.y[i]
	base := y + 12 // of the text
	label, class := forms[r.Form], "ours"
	if r.Kannel != "" {
		label, class = "Kannel "+variants[r.Kannel], "theirs"
	}
	if i > 0 && p.y[i]-p.y[i-1] == rowHigh {
		label = "" // as above
	}
	p.text(margin, base, "name", "start", label)
	p.text(labels-8, base, "small", "end", after(r))
	length := leftWide * r.Completed / p.fastest
	p.bar(labels, y, length, class)
	p.text(labels+length+6, base, "value", "start", thousands(r.Completed))
	x := float64(costs)
	var parts []string
	for _, c := range colours {
		used, known := r.CPU[c.process]
		if !known {
			continue
		}
		width := rightWide * used / p.dearest
		p.bar(x, y, width, c.process)
		x += max(width, 1)
		parts = append(parts, micros(used))
	}
	p.text(x+6, base, "value", "start", micros(sum(r)))
	p.text(x+46, base, "small", "start", "= "+strings.Join(parts, " + "))
}

func (p *picture) foot() {
	y := p.high - 17*len(p.footings) + 2
	p.print(`<line x1="%d" y1="%d" x2="%d" y2="%d" class="card"/>`, margin, y-18, wide-margin, y-18)
	for i, line := range p.footings {
		p.text(margin, y+17*i, "foot", "start", line)
	}
}

// wrapped breaks lines that are too long for the picture.
func wrapped(lines []string) (list []string) {
	const most = 128 // characters of the small type
	for _, line := range lines {
		row := ""
		for _, word := range strings.Fields(line) {
			if row != "" && len(row)+1+len(word) > most {
				list = append(list, row)
				row = ""
			}
			row = strings.TrimPrefix(row+" "+word, " ")
		}
		list = append(list, row)
	}
	return list
}
