package roff

import (
	"os/exec"
	"strings"
	"testing"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		`a\b`: `a\eb`, "--flag": `\-\-flag`, "it's `x`": `it\(aqs \(gax\(ga`, "a^b~": `a\(hab\(ti`,
		"…": `\[u2026]`, "𝄞": `\[u1D11E]`, "a\tb\x1b": "a b?",
	} {
		if got := escape(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{".TH": "\\&.TH\n", "'x": "\\(aqx\n", "x  ": "x\n", "-": "\\-\n"} {
		if got := line(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// odd is what roff would take for its own.
const odd = `.SH no section
'br no request
back\slash \fB \(aq "quoted" --flag -x
  .nf as it stands

    "indented" \e
…and §5 beyond ASCII`

func TestPage(t *testing.T) {
	p := New("odd", "7", "2026-11-25", `a "b"`, "Manual")
	p.Section(`NA"ME`)
	p.Text(odd)
	p.Item("--flag .x", ".meaning")
	want := `.TH "ODD" "7" "2026-11-25" "a \(dqb\(dq" "Manual"
.nh
.ad l
.SH "NA\(dqME"
\&.SH no section
\(aqbr no request
back\eslash \efB \e(aq "quoted" \-\-flag \-x
.PP
.RS 4
.nf
\&.nf as it stands
.sp
  "indented" \ee
.fi
.RE
.PP
\[u2026]and \[u00A7]5 beyond ASCII
.TP
\fB\-\-flag .x\fR
\&.meaning
`
	if got := p.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestGroffShowsWhatWasWritten: nothing is lost or taken for a request.
func TestGroffShowsWhatWasWritten(t *testing.T) {
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("no groff here")
	}
	p := New("odd", "7", "2026-11-25", "a", "Manual")
	p.Section("NAME")
	p.Text("odd - a page\n\n" + odd)
	cmd := exec.Command(groff, "-man", "-Tutf8", "-ww", "-P-cbou")
	cmd.Stdin = strings.NewReader(p.String())
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || errs.Len() > 0 {
		t.Fatalf("%v %s", err, errs.String())
	}
	shown := strings.Join(strings.Fields(string(out)), " ")
	if want := strings.Join(strings.Fields(odd), " "); !strings.Contains(shown, want) {
		t.Errorf("%s\nlacks\n%s", out, want)
	}
}
