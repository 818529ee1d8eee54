package client

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"

	"bindery/cmd/bindery/internal/screen"
)

// refusal is an RFC 9457 body.
type refusal struct {
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail"`
	Errors []FieldError `json:"errors"`
}

// refused reads the problem that the gateway answered.
func (c *Client) refused(resp *http.Response, body []byte) *Problem {
	status := resp.StatusCode
	if status/100 == 3 {
		return &Problem{Exit: ExitRefused, Status: status, What: fmt.Sprintf("%s answers with a redirect to %s, which is not followed with a key", c.base, screen.Clean(resp.Header.Get("Location"))), Next: "give --api the address behind it, if it is yours"}
	}
	var r refusal
	if json.Unmarshal(body, &r) != nil || r.Title == "" {
		return c.stranger(status)
	}
	said := r.Detail
	if said == "" {
		said = r.Title
	}
	p := &Problem{Exit: ExitRefused, Status: status, What: screen.Clean(fmt.Sprintf("%s answers %d: %s", c.base, status, said)), Fields: fieldLines(r.Errors), Next: c.nextFor(status)}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		p.Exit = ExitLater
		if after := resp.Header.Get("Retry-After"); after != "" {
			p.Next = "ask again in " + screen.Clean(after) + " s"
		}
	}
	return p
}

func (c *Client) nextFor(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "the key came from " + cmp.Or(c.keyFrom, "BINDERY_API_KEY or --key-file") + "; is it that of an account of this gateway?"
	case http.StatusForbidden:
		return "use the key of an account that has admin: true in the gateway's configuration"
	case http.StatusNotFound:
		return "is the id whole, and of this account? Keys see only their own account"
	case http.StatusGone:
		return "it ended longer ago than redis.history keeps; the status stream told its final"
	case http.StatusConflict:
		return "for another message take another --idempotency-key"
	case http.StatusRequestEntityTooLarge:
		return "send less at once: a message is at most 256 KiB"
	case http.StatusUnprocessableEntity:
		return "correct what is named and send again; nothing was queued"
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return "ask again in a moment"
	}
	return "the gateway's log says more"
}
