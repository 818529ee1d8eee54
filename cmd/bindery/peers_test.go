package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fiorix/go-smpp/smpp/pdu"
	"github.com/fiorix/go-smpp/smpp/pdu/pdufield"
	"github.com/fiorix/go-smpp/smpp/pdu/pdutext"
	"github.com/fiorix/go-smpp/smpp/smpptest"

	"bindery/internal/redistest"
)

// TestNpmCarrier: the carrier is npm's smpp, on Node.
func TestNpmCarrier(t *testing.T) {
	if _, err := os.Stat("../../scripts/interop/node_modules/smpp"); err != nil {
		if os.Getenv("BINDERY_REQUIRE") == "1" {
			t.Fatal("npm's smpp is missing: ./scripts/test installs it")
		}
		t.Skip("npm's smpp is not installed: npm ci --prefix scripts/interop")
	}
	smsc := exec.Command("node", "../../scripts/interop/smsc.js")
	out, err := smsc.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := smsc.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = smsc.Process.Kill(); _ = smsc.Wait() })
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("npm's carrier said nothing")
	}
	var up struct{ Port int }
	if err := json.Unmarshal(lines.Bytes(), &up); err != nil || up.Port == 0 {
		t.Fatalf("npm's carrier said %s", lines.Bytes())
	}
	got, unbinds := make(chan string, 1000), new(atomic.Int32)
	go func() {
		for lines.Scan() {
			var s struct {
				Text   *string
				Unbind bool
			}
			if json.Unmarshal(lines.Bytes(), &s) == nil && s.Unbind {
				unbinds.Add(1)
			} else if s.Text != nil {
				got <- *s.Text
			}
		}
	}()

	rs := redistest.Start(t)
	p := serve(t, configFor(rs.URL(), fmt.Sprintf("127.0.0.1:%d", up.Port), "message_id: {submit: hex, receipt: decimal}"))
	p.ready()
	p.bound(2)
	list := []string{"plain", "안녕하세요 인증번호", "on the way 🚚", "Price €5 [ok] {}", strings.Repeat("long ", 80)}
	deliveredOnce(t, p, rs.Client(t), sendAll(p, list))
	if code := p.terminate(); code != 0 {
		t.Errorf("SIGTERM: exit code %d", code)
	}
	var all strings.Builder
	for len(got) > 0 {
		all.WriteString(<-got)
	}
	for _, text := range list[:4] {
		if !strings.Contains(all.String(), text) {
			t.Errorf("npm's carrier did not read %q", text)
		}
	}
	if n := unbinds.Load(); n != 2 {
		t.Errorf("npm's carrier saw %d unbinds of 2", n)
	}
}

// TestGoSMPPCarrier: the carrier is go-smpp's server.
func TestGoSMPPCarrier(t *testing.T) {
	smsc := smpptest.NewUnstartedServer()
	smsc.User, smsc.Passwd = "bindery", "secret"
	var next atomic.Uint32
	next.Store(0xabc000)
	texts := make(chan string, 100)
	smsc.Handler = func(c smpptest.Conn, p pdu.Body) {
		switch p.Header().ID {
		case pdu.SubmitSMID:
			id := next.Add(1)
			r := pdu.NewSubmitSMResp()
			r.Header().Seq = p.Header().Seq
			_ = r.Fields().Set(pdufield.MessageID, fmt.Sprintf("%X", id))
			_ = c.Write(r)
			texts <- decoded(p)
			d := pdu.NewDeliverSM()
			f := d.Fields()
			_ = f.Set(pdufield.SourceAddr, p.Fields()[pdufield.DestinationAddr].String())
			_ = f.Set(pdufield.DestinationAddr, p.Fields()[pdufield.SourceAddr].String())
			_ = f.Set(pdufield.ESMClass, 4)
			_ = f.Set(pdufield.ShortMessage, pdutext.Raw(fmt.Sprintf("id:%010d sub:001 dlvrd:001 submit date:2611250900 done date:2611250901 stat:DELIVRD err:000 text:", id)))
			_ = c.Write(d)
		case pdu.EnquireLinkID:
			r := pdu.NewEnquireLinkResp()
			r.Header().Seq = p.Header().Seq
			_ = c.Write(r)
		case pdu.UnbindID:
			r := pdu.NewUnbindResp()
			r.Header().Seq = p.Header().Seq
			_ = c.Write(r)
		}
	}
	smsc.Start()
	defer smsc.Close()

	rs := redistest.Start(t)
	// Its server serves one connection at a time, so there is one bind.
	p := serve(t, strings.Replace(configFor(rs.URL(), smsc.Addr(), "message_id: {submit: hex, receipt: decimal}"), "binds: 2", "binds: 1", 1))
	p.ready()
	p.bound(1)
	list := []string{"plain", "안녕하세요", "Price €5 [ok]"}
	deliveredOnce(t, p, rs.Client(t), sendAll(p, list))
	if code := p.terminate(); code != 0 {
		t.Errorf("SIGTERM: exit code %d", code)
	}
	seen := map[string]bool{}
	for range list {
		select {
		case text := <-texts:
			seen[text] = true
		case <-time.After(5 * time.Second):
			t.Fatal("go-smpp's server did not get every text")
		}
	}
	for _, text := range list {
		if !seen[text] {
			t.Errorf("go-smpp's server did not read %q: %v", text, seen)
		}
	}
}

// decoded is a submit_sm's text, read by go-smpp's own tables.
func decoded(p pdu.Body) string {
	raw := p.Fields()[pdufield.ShortMessage].Bytes()
	if bytes.Equal([]byte(p.Fields()[pdufield.DataCoding].String()), []byte("8")) {
		return string(pdutext.UCS2(raw).Decode())
	}
	return string(pdutext.GSM7(raw).Decode())
}
