// Package client is bindery's own client of the HTTP API: requests, problems
// told so that a person knows what to do next, sends of whole files, and the
// events of the status stream. The thin subcommands call it; it knows the API
// only as CONTRACT.md does, and nothing of the gateway behind it.
//
// A Client may be used by several goroutines. SendLines runs one goroutine more
// than its caller's, which is over when it returns. Nothing is kept: a process
// that dies has sent what the gateway answered, and may have sent more; the
// Idempotency-Key of each send settles it.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"bindery/cmd/bindery/internal/screen"
)

// maxAnswer bounds an answer that is read whole, in octets: a batch of 10,000
// has 300 KiB.
const maxAnswer = 8 << 20

// Client speaks to one gateway.
type Client struct {
	base string // without a slash at its end
	key  string
	// baseFrom and keyFrom say where the user gave them; empty: nowhere.
	baseFrom, keyFrom string
	timeout           time.Duration // of an answer that is read whole
	http              *http.Client
}

// Request is one question.
type Request struct {
	Method, Path string
	Type         string // of the body
	Body         io.Reader
	Header       map[string]string
}

// New checks the address.
func New(base, key string, timeout time.Duration) (*Client, error) {
	const next = "give --api or BINDERY_API an address such as http://127.0.0.1:8080"
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, Usage(next, "%q is no address of a gateway", screen.Clean(base))
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, Usage(next, "the gateway's address is scheme, host and port alone; the key comes by BINDERY_API_KEY or --key-file")
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, TLSHandshakeTimeout: 10 * time.Second}
	return &Client{
		base: strings.TrimRight(u.String(), "/"), key: key, timeout: timeout,
		// A redirect would carry the key elsewhere; it is told instead.
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

// named is the gateway's address, and who named it.
func (c *Client) named() string {
	if c.baseFrom == "" {
		return c.base
	}
	return c.base + " (" + c.baseFrom + ")"
}

// Base is the gateway's address.
func (c *Client) Base() string { return c.base }

// Do asks and answers with a 2xx response, or a *Problem. The caller closes the
// body.
func (c *Client) Do(ctx context.Context, q Request) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, q.Method, c.base+q.Path, q.Body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	if q.Type != "" {
		req.Header.Set("Content-Type", q.Type)
	}
	for name, value := range q.Header {
		req.Header.Set(name, value)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unanswered(ctx, err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, c.unanswered(ctx, err)
	}
	return nil, c.refused(resp, body)
}

// JSON asks, and answers with the whole body, which is JSON.
func (c *Client) JSON(ctx context.Context, q Request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	resp, err := c.Do(ctx, q)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, c.unanswered(ctx, err)
	case len(body) > maxAnswer || !json.Valid(body):
		return nil, c.stranger(resp.StatusCode)
	}
	return body, nil
}

// Get decodes what a GET answers, and hands the octets on too.
func (c *Client) Get(ctx context.Context, path string, into any) ([]byte, error) {
	body, err := c.JSON(ctx, Request{Method: http.MethodGet, Path: path})
	if err != nil {
		return nil, err
	}
	return body, c.decode(body, into)
}

// Post is Get for a POST without a body.
func (c *Client) Post(ctx context.Context, path string, into any) ([]byte, error) {
	body, err := c.JSON(ctx, Request{Method: http.MethodPost, Path: path})
	if err != nil {
		return nil, err
	}
	return body, c.decode(body, into)
}

func (c *Client) decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return &Problem{Exit: ExitRefused, What: fmt.Sprintf("%s answers in a form that this version does not know: %v", c.base, err), Next: "is --api right, and the gateway of this version?", Cause: err}
	}
	return nil
}

func (c *Client) stranger(status int) *Problem {
	return &Problem{Exit: ExitRefused, Status: status, What: fmt.Sprintf("%s answers %d, but not as Bindery does", c.base, status), Next: "is --api (or BINDERY_API) right? Something else may listen there, or a proxy in between"}
}

// unanswered: no answer came, or not to its end.
func (c *Client) unanswered(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return context.Canceled
	}
	p := &Problem{Exit: ExitLater, Cause: err}
	var dns *net.DNSError
	var op *net.OpError
	p.Unsent = errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &dns)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		p.What, p.Next = fmt.Sprintf("%s did not answer within %s", c.base, c.timeout), "ask again, or give it longer by --timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		p.What, p.Next = "no gateway answers at "+c.named()+": connection refused", "`bindery serve --config FILE` starts one; --api or BINDERY_API names another"
	case dns != nil:
		p.What, p.Next = fmt.Sprintf("the name in %s is not known: %s", c.named(), dns.Err), "is --api (or BINDERY_API) right?"
	case errors.As(err, &op):
		p.What, p.Next = fmt.Sprintf("the connection to %s failed: %v", c.base, op.Err), "ask again; its log or a proxy in between may say more"
	default:
		var outer *url.Error
		if errors.As(err, &outer) {
			err = outer.Err // the URL is said already
		}
		p.What, p.Next = fmt.Sprintf("%s did not answer: %v", c.base, err), "ask again; is --api (or BINDERY_API) right?"
	}
	return p
}
