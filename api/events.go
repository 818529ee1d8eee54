package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"bindery/dlr"
	"bindery/gateway/ingress"
)

// Events reads the status stream of an account.
type Events interface {
	Status(account string) (StatusStream, error)
}

// StatusStream is where status events are read: dlr.StatusStream.
type StatusStream interface {
	End(ctx context.Context) (dlr.Place, error)
	Read(ctx context.Context, from dlr.Place, entries int64) (events []dlr.StatusEvent, next dlr.Place, gap bool, err error)
}

const (
	lookAgain     = 200 * time.Millisecond // when there was nothing new
	lookAfter     = time.Second            // when Redis did not answer
	entriesALook  = 20                     // of at most 100 events
	heartbeat     = 15 * time.Second       // between two signs of life
	listenTime    = 30 * time.Second       // for a client to read on
	maxListeners  = 500
	accountsShare = 5 // one account has at most that part of them
)

// listeners counts the open streams of events.
type listeners struct {
	mu        sync.Mutex // guards the rest
	all       int
	byAccount map[string]int
}

func (l *listeners) enter(account string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= maxListeners || l.byAccount[account] >= maxListeners/accountsShare {
		return false
	}
	if l.byAccount == nil {
		l.byAccount = map[string]int{}
	}
	l.all++
	l.byAccount[account]++
	return true
}

func (l *listeners) leave(account string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.byAccount[account]--; l.byAccount[account] == 0 {
		delete(l.byAccount, account)
	}
}

// events sends an account's status events (server-sent events) from now on, or
// from behind the one that Last-Event-ID names.
func (a *API) events(w http.ResponseWriter, r *http.Request, who *ingress.Account) {
	if !a.listeners.enter(who.ID) {
		Problem{Status: http.StatusServiceUnavailable, Detail: "too many streams of events are open", RetryAfter: retryFull}.Write(w)
		return
	}
	defer a.listeners.leave(who.ID)
	l, p := a.listen(r, who)
	if p != nil {
		p.Write(w)
		return
	}
	l.out, l.rc = w, http.NewResponseController(w)
	_ = l.rc.SetReadDeadline(time.Time{}) // nothing is read any more
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // proxies: hand it on as it comes
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(a.stopping, cancel)()
	l.run(ctx)
}

// listen finds the place to begin at.
func (a *API) listen(r *http.Request, who *ingress.Account) (*listener, *Problem) {
	stream, err := a.Events.Status(who.ID)
	if err != nil {
		p := a.problemOf(err)
		return nil, &p
	}
	l := &listener{stream: stream, live: true}
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		const field, message = "Last-Event-ID", "want the id of an event, <entry id>/<line>"
		if l.place, err = dlr.ParsePlace(last); err != nil {
			return nil, &Problem{Status: http.StatusBadRequest, Detail: field + ": " + message, Errors: []ingress.FieldError{{Field: field, Message: message}}}
		}
		l.live = false
		return l, nil
	}
	if l.place, err = stream.End(r.Context()); err != nil {
		a.Log.Warn().Err(err).Msg("api: reading a status stream")
		return nil, &Problem{Status: http.StatusServiceUnavailable, Detail: "Redis does not answer", RetryAfter: retryBusy}
	}
	return l, nil
}

// listener is one open stream of events.
type listener struct {
	stream StatusStream
	place  dlr.Place // of the last event that was sent
	live   bool      // the last look found nothing new: nothing can have been missed
	out    http.ResponseWriter
	rc     *http.ResponseController
	buf    strings.Builder
	wrote  time.Time
}

// run sends events until ctx is over or the client does not read. Its first
// words are the place that it begins at, so that a client that breaks off
// before the first event resumes there.
func (l *listener) run(ctx context.Context) {
	fmt.Fprintf(&l.buf, "retry: 1000\nid: %s\n\n", l.place)
	wait := time.NewTimer(0)
	defer wait.Stop()
	for l.send() {
		select {
		case <-wait.C:
		case <-ctx.Done():
			return
		}
		wait.Reset(l.look(ctx))
	}
}

// look reads what is new, and answers when to look again.
func (l *listener) look(ctx context.Context) time.Duration {
	events, next, gap, err := l.stream.Read(ctx, l.place, entriesALook)
	if err != nil {
		l.buf.WriteString(": Redis does not answer\n\n")
		return lookAfter
	}
	if gap && !l.live {
		fmt.Fprintf(&l.buf, "event: gap\ndata: {\"after\":%q}\n\n", l.place)
	}
	l.place, l.live = next, len(events) == 0
	for _, e := range events {
		fmt.Fprintf(&l.buf, "id: %s\ndata: %s\n\n", e.Place, e.JSON)
	}
	if l.live {
		return lookAgain
	}
	return 0
}

// send writes what was gathered, or a sign of life when there was nothing for
// long; false: the client is gone, or does not read.
func (l *listener) send() bool {
	if l.buf.Len() == 0 {
		if time.Since(l.wrote) < heartbeat {
			return true
		}
		l.buf.WriteString(":\n\n")
	}
	_ = l.rc.SetWriteDeadline(time.Now().Add(listenTime))
	_, err := l.out.Write([]byte(l.buf.String()))
	l.buf.Reset()
	l.wrote = time.Now()
	return err == nil && l.rc.Flush() == nil
}
