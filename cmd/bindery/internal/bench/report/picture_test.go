package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"bindery/cmd/bindery/internal/bench"
)

// The picture is XML, asks for nothing from elsewhere, and nothing of it lies
// outside its view box.
func TestPictureIsSelfContained(t *testing.T) {
	var b bytes.Buffer
	if err := SVG(&b, outcome()); err != nil {
		t.Fatal(err)
	}
	picture := b.String()
	var high float64
	for d := xml.NewDecoder(&b); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		at := map[string]float64{}
		for _, a := range e.Attr {
			if a.Name.Local == "href" || strings.Contains(a.Value, "url(") {
				t.Errorf("%s has %s", e.Name.Local, a.Value)
			}
			at[a.Name.Local], _ = strconv.ParseFloat(a.Value, 64) // 0: no number
		}
		if e.Name.Local == "svg" {
			high = at["height"]
		}
		if at["x"]+at["width"] > wide || at["y"]+at["height"] > high {
			t.Errorf("%s at %v lies outside %d × %v", e.Name.Local, at, wide, high)
		}
	}
	for _, want := range []string{"prefers-color-scheme:dark", ">50<", ">40<", "Kannel as it comes", "Kannel tuned, file store", "Kannel tuned, in memory", "1 bind, 10 unanswered", "500 unanswered submit_sm each", "A &lt;fast&gt; &amp; good one", "2026-11-25", "0123abcd", "batches", `class="smsbox"`, "= 2.0 + 1.5 + 3.0 + 4.0"} {
		if !strings.Contains(picture, want) {
			t.Errorf("no %q in\n%s", want, picture)
		}
	}
	if strings.Contains(picture, ">25<") {
		t.Error("a run at half speed is drawn")
	}
}

// Bars are as long as their values, to the pixel.
func TestBarsAreToScale(t *testing.T) {
	var b bytes.Buffer
	if err := SVG(&b, outcome()); err != nil {
		t.Fatal(err)
	}
	var widths []float64
	for _, m := range regexp.MustCompile(`width="([0-9.]+)" height="15" class="(?:ours|theirs)"`).FindAllStringSubmatch(b.String(), -1) {
		w, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		widths = append(widths, w)
	}
	completed := []float64{50, 40, 40, 2, 2.5, 5, 4, 10, 8}
	if len(widths) != len(completed) {
		t.Fatalf("%d bars: %v", len(widths), widths)
	}
	for i, w := range widths {
		if want := leftWide * completed[i] / 50; w < want-1 || w > want+1 {
			t.Errorf("the bar of %v has %v, want %v", completed[i], w, want)
		}
	}
}

func TestPictureOfRunsAtARateOnly(t *testing.T) {
	var b bytes.Buffer
	if err := SVG(&b, &bench.Outcome{Runs: results()[1:2]}); err != nil || !strings.Contains(b.String(), ">25<") || strings.Contains(b.String(), "Kannel") {
		t.Errorf("%v %s", err, &b)
	}
}

func TestMarkdownTellsEveryRun(t *testing.T) {
	var b bytes.Buffer
	if err := Markdown(&b, outcome()); err != nil {
		t.Fatal(err)
	}
	columns := 0
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		if n := strings.Count(line, "|"); columns != 0 && n != columns {
			t.Errorf("%d columns, not %d: %s", n, columns, line)
		} else {
			columns = n
		}
	}
	for _, want := range []string{"| lines (NDJSON), 0 connections | 0 | full | 0 | 50 | 25.0 / 10.0 / 5.0 | 3.5 : 190 / 190 / 190 |", "| 50 ms | 20 |", "Kannel 1.4.5 as it comes, 16 connections", "Kannel as it comes: 1 bind", "Kannel 1.4.5 tuned, in memory, 16 connections",
		"load 30 + smsbox 90 + bearerbox 100 + carrier 3.0 = 223", "| lines (NDJSON) | 79 | unknown | 470 | 0 |", "100 messages a run (Kannel: as it comes 50, tuned 100)", "Lost 1, repeated 2 (Kannel: 0, 0)", "\n3 of 3 lost messages never came to the carrier.\n", "2 cores of A <fast>"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	// Without Kannel it is not named.
	b.Reset()
	if err := Markdown(&b, &bench.Outcome{Runs: results()}); err != nil || strings.Contains(b.String(), "Kannel") {
		t.Errorf("%v %s", err, &b)
	}
}

func TestThousands(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 69305.4: "69,305", 1234567: "1,234,567"} {
		if got := thousands(x); got != want {
			t.Errorf("%v is %s, want %s", x, got, want)
		}
	}
}
