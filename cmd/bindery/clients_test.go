package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestClientScripts runs the thin clients against a server that answers as
// CONTRACT.md says, and as it must not.
func TestClientScripts(t *testing.T) {
	api := httptest.NewServer(contractAPI())
	t.Cleanup(api.Close) // the scripts run on after this function
	html := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/queues" {
			http.Redirect(w, r, "https://elsewhere.example/", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, "<html>hello</html>")
	}))
	t.Cleanup(html.Close)
	mute := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then net/http sees that the client is gone
		<-r.Context().Done()
	}))
	t.Cleanup(mute.Close)
	testscript.Run(t, testscript.Params{Dir: "testdata/clients", Setup: func(e *testscript.Env) error {
		e.Setenv("BINDERY_API", api.URL)
		e.Setenv("API", api.URL)
		e.Setenv("HTML", html.URL)
		e.Setenv("MUTE", mute.URL)
		e.Setenv("BINDERY_API_KEY", contractKey)
		return nil
	}})
}

const contractKey = "clients-key-0123456789"

func contractAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/messages", contractSend)
	mux.HandleFunc("GET /v1/messages/{id}", contractMessage)
	mux.HandleFunc("DELETE /v1/messages/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") == "sent" {
			contractProblem(w, 409, "the message may have been sent")
			return
		}
		contractJSON(w, 200, map[string]any{"id": r.PathValue("id"), "status": "canceled"})
	})
	mux.HandleFunc("POST /v1/batches", contractBatch)
	mux.HandleFunc("GET /v1/batches/{id}", func(w http.ResponseWriter, r *http.Request) {
		contractJSON(w, 200, map[string]any{"batch": r.PathValue("id"), "accepted": 12, "statuses": map[string]int{"queued": 2, "delivered": 10, "failed": 0}})
	})
	carriers := map[string]map[string]any{
		"alpha": {"id": "alpha", "state": "up", "binds": 2, "binds_up": 2, "window": 50, "window_in_use": 17, "rate": 500, "present_rate": 412.5, "new": true},
		"beta":  {"id": "beta", "state": "down", "binds": 1, "binds_up": 0, "window": 10, "window_in_use": 0, "rate": 0, "present_rate": 0},
	}
	mux.HandleFunc("GET /v1/carriers", func(w http.ResponseWriter, _ *http.Request) {
		contractJSON(w, 200, map[string]any{"carriers": []any{carriers["alpha"], carriers["beta"]}})
	})
	mux.HandleFunc("POST /v1/carriers/{id}/{verb}", func(w http.ResponseWriter, r *http.Request) {
		c := carriers[r.PathValue("id")]
		if c == nil {
			contractProblem(w, 404, "no such carrier")
			return
		}
		c["state"] = map[string]string{"pause": "paused", "resume": "up"}[r.PathValue("verb")]
		contractJSON(w, 200, c)
	})
	mux.HandleFunc("GET /v1/queues", func(w http.ResponseWriter, _ *http.Request) {
		contractJSON(w, 200, map[string]any{"queues": []any{map[string]any{"route": "kr", "priority": "bulk", "depth": 81234, "oldest_seconds": 12.34}}, "scheduled": 7})
	})
	mux.HandleFunc("GET /v1/status", contractEvents)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Authorization") {
		case "Bearer " + contractKey:
			mux.ServeHTTP(w, r)
		case "Bearer no-admin":
			contractProblem(w, 403, "this needs an account with admin: true")
		default:
			contractProblem(w, 401, "a valid key is needed")
		}
	})
}

func contractJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func contractProblem(w http.ResponseWriter, status int, detail string, fields ...string) {
	w.Header().Set("Content-Type", "application/problem+json")
	if status == 503 || status == 429 {
		w.Header().Set("Retry-After", "2")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail, "errors": contractFields(fields)})
}

func contractFields(fields []string) (list []map[string]string) {
	for _, f := range fields {
		name, message, _ := strings.Cut(f, ": ")
		list = append(list, map[string]string{"field": name, "message": message})
	}
	return list
}

// contractSend takes what does not end in the number of a status. The answer
// shows the message and the key, which it may: it may gain fields.
func contractSend(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Idempotency-Key")
	if r.Header.Get("Content-Type") == "application/json" {
		body, _ := io.ReadAll(r.Body)
		a, status := contractTake(body, key, 0)
		if status != 202 {
			contractProblem(w, status, "refused for the test", "to: ends in a status")
			return
		}
		contractJSON(w, 202, a)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	c := http.NewResponseController(w)
	_ = c.EnableFullDuplex()
	lines := bufio.NewScanner(r.Body)
	for n := 1; lines.Scan(); n++ {
		a, status := contractTake(lines.Bytes(), key, n)
		if status == 418 { // the server dies
			_ = c.Flush()
			panic(http.ErrAbortHandler)
		}
		if status != 202 {
			a = map[string]any{"error": map[string]any{"status": status, "title": http.StatusText(status), "errors": contractFields([]string{"to: ends in a status"})}}
		}
		_ = json.NewEncoder(w).Encode(a)
	}
}

func contractTake(body []byte, key string, n int) (map[string]any, int) {
	var m map[string]string
	if json.Unmarshal(body, &m) != nil {
		return nil, 400
	}
	status := 202
	if to := m["to"]; len(to) > 3 {
		_, _ = fmt.Sscan(to[len(to)-3:], &status)
	}
	if status < 400 || status > 599 {
		status = 202
	}
	return map[string]any{"id": fmt.Sprintf("id%d", n), "status": "queued", "parts": 1, "encoding": "gsm7", "route": "default", "message": m, "key": key}, status
}

// contractBatch refuses recipients without the value "name".
func contractBatch(w http.ResponseWriter, r *http.Request) {
	var b struct {
		Text, From string
		Recipients []struct {
			To, Reference string
			Values        map[string]string
		}
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil || b.Text == "" || b.From == "" {
		contractProblem(w, 422, fmt.Sprint(err))
		return
	}
	ids, faults := make([]*string, len(b.Recipients)), []any{}
	for i, to := range b.Recipients {
		if to.Values["name"] == "" {
			faults = append(faults, map[string]any{"index": i, "field": "values.name", "message": "is missing"})
			continue
		}
		id := "id" + to.To
		ids[i] = &id
	}
	contractJSON(w, 202, map[string]any{"batch": "b-" + r.Header.Get("Idempotency-Key"), "accepted": len(ids) - len(faults), "ids": ids, "errors": faults})
}

func contractMessage(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	switch id {
	case "gone":
		contractProblem(w, 410, "the message is past the history")
	case "none":
		contractProblem(w, 404, "no such message")
	default:
		contractJSON(w, 200, map[string]any{
			"id": id, "status": "undelivered", "to": "+821012345678", "from": "1544", "carrier": "alpha", "route": "kr", "parts": 2, "reference": "order\u001b[31m-17",
			"error": map[string]string{"code": "receipt:045", "message": "absent subscriber"},
			"timeline": []any{map[string]any{"at": "2026-11-25T09:00:01.204Z", "status": "queued"},
				map[string]any{"at": "2026-11-25T09:00:02.000Z", "status": "undelivered", "carrier": "alpha"}},
		})
	}
}

// contractEvents sends three events a connection and breaks it; the next
// connection goes on behind the last.
func contractEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	from := 0
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		if _, err := fmt.Sscanf(last, "17-0/%d", &from); err != nil {
			contractProblem(w, 400, "Last-Event-ID")
			return
		}
		from++
	}
	_, _ = io.WriteString(w, ": hello\nretry: 100\n\nevent: news\ndata: {\"type\":\"unknown\"}\n\n")
	statuses := []string{"submitted", "delivered", "undelivered"}
	for n := from; n < from+3; n++ {
		fmt.Fprintf(w, "id: 17-0/%d\ndata: {\"id\":\"m%d\",\"status\":%q,\"to\":\"+82101\",\"carrier\":\"alpha\",\"at\":\"2026-11-25T09:00:01.204Z\",\ndata: \"campaign\":\"c%d\",\"uncertain\":true,\"attempt\":2}\n\n", n, n, statuses[n%3], n%2)
	}
}
