package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// output collects what a process prints, and tells when a text has come.
type output struct {
	mu   sync.Mutex // guards all
	b    bytes.Buffer
	want string
	seen chan struct{} // closed once want has come
}

func watchFor(want string) *output { return &output{want: want, seen: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	had := strings.Contains(o.b.String(), o.want)
	o.b.Write(p)
	if !had && strings.Contains(o.b.String(), o.want) {
		close(o.seen)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// exitCode is as shells have it; a process that ended otherwise fails the test.
func exitCode(t *testing.T, cmd *exec.Cmd, bound time.Duration) int {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() {
			return 128 + int(s.Signal())
		}
		return cmd.ProcessState.ExitCode()
	case <-time.After(bound):
		_ = cmd.Process.Kill()
		<-done
		t.Fatalf("it did not end within %s", bound)
		return -1
	}
}

// Ctrl-C ends the demo at any moment, within the bound, in silence.
func TestDemoEndsAtAnyMoment(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	type moment struct {
		text  string        // once this was printed …
		after time.Duration // … and this has passed
		codes string
	}
	// Until Go's handlers are in place the signal itself ends the process: 130.
	moments := []moment{{after: 0, codes: "130"}, {after: 10 * time.Millisecond, codes: "130"}, {after: 50 * time.Millisecond, codes: "130"},
		{text: "Bindery demo", codes: "130"}, {text: "Bindery demo", after: 100 * time.Millisecond, codes: "130"},
		{text: "Bindery demo", after: 700 * time.Millisecond, codes: "130"}, {text: "[#", after: 300 * time.Millisecond, codes: "130"},
		{text: "Where every message went", codes: "0"}, {text: "Stays up", after: 50 * time.Millisecond, codes: "0"}}
	for i, m := range moments {
		t.Run(fmt.Sprintf("%d %s %s", i, m.text, m.after), func(t *testing.T) {
			t.Parallel()
			messages := "2000"
			if m.codes == "0" {
				messages = "60"
			}
			cmd := exec.Command("bindery", "demo", "--messages", messages)
			out := watchFor(m.text)
			cmd.Stdout, cmd.Stderr = out, out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if m.text != "" {
				select {
				case <-out.seen:
				case <-time.After(60 * time.Second):
					_ = cmd.Process.Kill()
					t.Errorf("%q did not come", m.text)
				}
			}
			<-time.After(m.after)
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			code := exitCode(t, cmd, 12*time.Second)
			said := out.String()
			if fmt.Sprint(code) != m.codes || strings.Contains(said, "panic") || strings.Contains(said, "goroutine ") || strings.Contains(said, "bindery: ") {
				t.Errorf("exit code %d, want %s; it said:\n%s", code, m.codes, said)
			}
		})
	}
}

// A busy port 8080 is somebody else's: the demo takes another, and names
// it in all that is to be copied.
func TestDemoBesideABusyPort(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	l, err := net.Listen("tcp", "127.0.0.1:8080")
	if err == nil {
		defer l.Close()
	} // else it is busy already
	out, err := exec.Command("bindery", "demo", "--messages", "60", "--exit").CombinedOutput()
	if err != nil || !summaryIsWhole.Match(out) || strings.Contains(string(out), "127.0.0.1:8080") || strings.Count(string(out), "http://127.0.0.1:") != 2 {
		t.Errorf("%v\n%s", err, out)
	}
}

// staying is a demo that has told everything, until the test ends.
func staying(t *testing.T, want string) (told string, later *output) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short")
	}
	cmd := exec.Command("bindery", "demo", "--messages", "40")
	up := watchFor("Stays up until Ctrl-C")
	later = watchFor(want)
	both := io.MultiWriter(up, later)
	cmd.Stdout, cmd.Stderr = both, both
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
		if code := exitCode(t, cmd, 12*time.Second); code != 0 {
			t.Errorf("exit code %d\n%s", code, up)
		}
	})
	up.await(t)
	return up.String(), later
}

func lineWith(t *testing.T, said, prefix string) string {
	t.Helper()
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, prefix) {
			return strings.TrimSuffix(line, "\n")
		}
	}
	t.Fatalf("no line with %q in\n%s", prefix, said)
	return ""
}

// The line with which to send works as it stands, and the demo tells what
// becomes of the message.
func TestDemoLineWorksWhenPasted(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip(err)
	}
	told, later := staying(t, "+821012345678  delivered by north")
	line := lineWith(t, told, "curl ")
	for _, more := range []string{"", ` -o /dev/null -w '%{http_code}'`} {
		said, err := exec.Command("sh", "-c", line+more).CombinedOutput()
		if err != nil || more == "" && !strings.Contains(string(said), `"status":"queued"`) || more != "" && string(said) != "202" {
			t.Errorf("%s: %v %s", line+more, err, said)
		}
	}
	later.await(t)
}

// The login link works once: read by whomever, then used by a person.
func TestDemoLoginLink(t *testing.T) {
	told, _ := staying(t, "nothing")
	link := lineWith(t, told, "http://")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	ask := func(resp *http.Response, err error) (int, string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	base, token, _ := strings.Cut(link, "/login?token=")
	if code, _ := ask(client.Get(base + "/v1/carriers")); code != 401 {
		t.Errorf("without a session: %d", code)
	}
	if code, _ := ask(client.Head(link)); code != 200 {
		t.Errorf("HEAD: %d", code)
	}
	if code, page := ask(client.Get(link)); code != 200 || !strings.Contains(page, token) {
		t.Errorf("%d %s", code, page)
	}
	if code, page := ask(client.PostForm(base+"/login", url.Values{"token": {token}})); code != 200 || !strings.Contains(page, "Carriers") {
		t.Errorf("%d %s", code, page)
	}
	if code, body := ask(client.Get(base + "/v1/carriers")); code != 200 || !strings.Contains(body, "north") {
		t.Errorf("%d %s", code, body)
	}
	for range 2 {
		if code, page := ask(client.Get(link)); code != 410 || !strings.Contains(page, "new one") {
			t.Errorf("used: %d %s", code, page)
		}
	}
	if code, _ := ask(client.PostForm(base+"/login", url.Values{"token": {token}})); code != 410 {
		t.Errorf("used: %d", code)
	}
}

// A browser that opens the link uses it up by itself: script and form are what
// the page's policy allows.
func TestDemoLoginLinkInABrowser(t *testing.T) {
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && browser == "" {
			browser = path
		}
	}
	if browser == "" {
		t.Skip("no Chromium here")
	}
	told, _ := staying(t, "nothing")
	link := lineWith(t, told, "http://")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	page, err := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(), "--timeout=20000", "--dump-dom", link).Output()
	if err != nil || !strings.Contains(string(page), `id="carriers"`) {
		t.Errorf("%v\n%s", err, page)
	}
	resp, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 410 {
		t.Errorf("the link was not used: %d", resp.StatusCode)
	}
}

// TestDemoPictureFits: whatever the numbers and the window, no line is wider and
// no more lines are there than it has.
func TestDemoPictureFits(t *testing.T) {
	v := demoView{
		demoCounts:  demoCounts{accepted: 100_000, ended: 99_999, delivered: 99_000, lately: map[string]time.Duration{"urgent": time.Minute}},
		demoNetwork: demoNetwork{waiting: map[string]int{"urgent": 5000, "bulk": 95_000}, oldest: map[string]float64{"bulk": 1234}},
		messages:    100_000, elapsed: 1234 * time.Second, perSecond: 12_345,
	}
	for i := range v.rows {
		v.rows[i] = demoRow{carrierView: carrierView{ID: "north", Binds: 100, BindsUp: 100, Window: 1000, WindowInUse: 99_999}, habits: strings.Repeat("x", 30), submits: 1 << 20, throttled: 99_999, delivered: 99_999, otherwise: 99_999}
	}
	for width := 5; width < 160; width++ {
		for height := 1; height < 30; height++ {
			lines := v.picture(width, height)
			for _, line := range lines {
				if line.Width() > width && (width > 12 || len(lines) > 1) {
					t.Errorf("%d columns: %q", width, line.Text())
				}
			}
			if len(lines) > height || len(lines) == 0 {
				t.Errorf("%d lines for %d", len(lines), height)
			}
		}
		if line := v.line(width); len(line) > width && width >= 13 {
			t.Errorf("%d columns: %q", width, line)
		}
	}
	if n := len(v.picture(120, 11)); n != 11 {
		t.Errorf("%d lines", n)
	}
}
