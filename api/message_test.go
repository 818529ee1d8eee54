package api

import (
	"errors"
	"testing"
	"time"

	"bindery/queue"
)

func TestMessage(t *testing.T) {
	at := time.Date(2026, 11, 25, 9, 0, 0, 5e6, time.UTC)
	h := &house{view: &queue.View{
		Message: queue.Message{ID: "i", To: "+821012345678", From: "1544", Route: "kr", Parts: 1, Reference: "r"},
		Status:  queue.StatusRejected, Carrier: "alpha", Error: queue.Error{Code: "smpp:0x0B", Message: "ESME_RINVDSTADR"},
		Timeline: []queue.Moment{{At: at, Status: "queued"}, {At: at, Status: "rejected", Carrier: "alpha"}},
	}}
	w := h.do(request("GET", "/v1/messages/i", ""))
	want := `{"id":"i","status":"rejected","to":"+821012345678","from":"1544","carrier":"alpha","route":"kr","parts":1,"reference":"r",` +
		`"error":{"code":"smpp:0x0B","message":"ESME_RINVDSTADR"},"timeline":[{"at":"2026-11-25T09:00:00.005Z","status":"queued"},{"at":"2026-11-25T09:00:00.005Z","status":"rejected","carrier":"alpha"}]}` + "\n"
	if w.Code != 200 || w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for err, code := range map[error]int{queue.ErrNotFound: 404, queue.ErrGone: 410, queue.ErrUnavailable: 503, errors.New("?"): 500} {
		h.getErr = err
		if w := h.do(request("GET", "/v1/messages/i", "")); w.Code != code {
			t.Errorf("%v: %d", err, w.Code)
		}
	}
}
