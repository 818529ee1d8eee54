package house

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// breach breaks one law of the house in one place: the tests of that package
// must notice. It is laid over the tree by the go command; no file is changed.
type breach struct {
	law      string
	file     string // below the module's root
	old, new string
	pkg, run string // where it must be noticed
}

var breaches = []breach{
	{
		"1: durable push before any positive answer: a push that failed is answered as done",
		"gateway/ingress/door.go",
		"	if err != nil {\n		return err\n	}\n	for i, place := range g.places {\n		results[place].ID = ids[i]",
		"	if err != nil {\n		ids = make([]queue.ID, len(g.places))\n	}\n	for i, place := range g.places {\n		results[place].ID = ids[i]",
		"./gateway/ingress", ".",
	},
	{
		"2: capacity before lease: a lease takes what no credit covers",
		"gateway/dispatch/lease.go",
		"	return n, max(0, others), min(batchMin, max(1, waiting/2))",
		"	return batchMax, batchMax, 1",
		"./gateway/dispatch", ".",
	},
	{
		"3: window slot before write: one more than the window is written",
		"smpp/window.go",
		"func (w *window) full() bool { return w.used >= w.size }",
		"func (w *window) full() bool { return w.used > w.size }",
		"./smpp", ".",
	},
	{
		"4: correlate, then settle: what could not be correlated is settled",
		"gateway/dispatch/respond.go",
		"				r.d.complain(\"correlate\", err)\n				return err",
		"				r.d.complain(\"correlate\", err)\n				r.known(r.answers[:n])\n				r.answers = cutFront(r.answers, n)\n				return nil",
		"./gateway/dispatch", ".",
	},
	{
		"5: receipt stored before deliver_sm_resp: a receipt that could not be looked up is answered OK",
		"gateway/dispatch/receipts.go",
		"			r.d.refuse(b.acks[from:], err)\n			break",
		"			r.d.accept(b.acks[from:])\n			break",
		"./gateway/dispatch", ".",
	},
	{
		"6: no answer is not failure: an uncertain part ends as failed",
		"gateway/dispatch/policy.go",
		"	s.Verdict, s.Delay = queue.Uncertain, max(c.ResponseTimeout, backoff(sub.Attempt))",
		"	s.Verdict = queue.Failed",
		"./gateway/dispatch", ".",
	},
	{
		"7: a session that dies hands every slot back, saying whether it was written: it says never",
		"smpp/reader.go",
		"Err: s.cause, Written: sl.start < s.out.sent}",
		"Err: s.cause, Written: false}",
		"./smpp", ".",
	},
	{
		"7: a session that dies hands every slot back: it keeps one",
		"smpp/reader.go",
		"		results = append(results, Result{Token: sl.token, Err: s.cause,",
		"		if len(results) == 2 {\n			continue\n		}\n		results = append(results, Result{Token: sl.token, Err: s.cause,",
		"./smpp", ".",
	},
	{
		"8: one place decides a final: a second receipt changes it",
		"queue/lua/finish.lua",
		"local function receipt(b, x, i, first, last, st, carrier, err, e)\n  if x[STATE] < DELIVERED then",
		"local function receipt(b, x, i, first, last, st, carrier, err, e)\n  if true then",
		"./queue", ".",
	},
	{
		"8: a slot that holds a final is only taken off by settle: a late settle makes it submitted",
		"queue/lua/settle.lua",
		"  if not first or x[STATE] ~= LEASED and x[STATE] ~= WRITING then return end\n  local verdict",
		"  if not first then return end\n  local verdict",
		"./queue", ".",
	},
}

// TestEachLawIsGuarded breaks each law on purpose, once.
func TestEachLawIsGuarded(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the suites of the broken packages")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range breaches {
		t.Run(b.law, func(t *testing.T) { b.mustBeNoticed(t, root) })
	}
}

func (b *breach) mustBeNoticed(t *testing.T, root string) {
	whole := filepath.Join(root, b.file)
	source, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(source), b.old); n != 1 {
		t.Fatalf("%s: the place to break stands %d times; the code has changed, so change this test", b.file, n)
	}
	dir := t.TempDir()
	broken, overlay := filepath.Join(dir, "broken"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(broken, []byte(strings.Replace(string(source), b.old, b.new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {whole: broken}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "test", "-overlay", overlay, "-count=1", "-failfast", "-timeout", "120s", "-run", b.run, b.pkg)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	switch said := string(out); {
	case err == nil:
		t.Errorf("no test of %s noticed\n%s", b.pkg, said)
	case !strings.Contains(said, "--- FAIL") && !strings.Contains(said, "panic: test timed out"):
		t.Errorf("%s did not fail by a test:\n%s", b.pkg, said)
	}
}
