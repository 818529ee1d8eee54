package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

// The login page stands alone: whoever opens it from elsewhere has no right to
// the console's files yet. Its style and script are allowed by their hashes.
//
// A link is not used up by being read. Chat programs and mail scanners fetch
// the links that they pass on, and would leave none for the person; so GET
// answers a form that holds the token, the page's script submits it, and only
// that POST uses the token up. It also makes the redirect to the console one
// from our own page, where a SameSite=Strict cookie goes along: behind a link
// that was clicked elsewhere it would not.
var (
	//go:embed login.html
	loginHTML string
	//go:embed login.css
	loginCSS string

	loginPage   = template.Must(template.New("login").Parse(loginHTML))
	loginPolicy = "default-src 'none'; style-src '" + sourceHash(loginCSS) + "'; script-src '" + sourceHash(loginScript) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

const (
	loginScript = "document.getElementById('link').submit()"
	maxLogin    = 4 << 10 // octets of a form
)

// sourceHash is a source of a Content-Security-Policy.
func sourceHash(text string) string {
	h := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(h[:])
}

// loginView is what the page shows: the form of a link, or why there is none
// and a form for a key.
type loginView struct {
	Token  string
	Note   string
	Style  template.CSS
	Script template.JS
}

// The notes say what to do.
const (
	noteLink   = "This link does not work any more: a link works once, within ten minutes. Ask for a new one where it came from, or log in by an API key."
	noteKey    = "No account has this key."
	noteNoKey  = "Log in by the API key of an account, or by a login link."
	noteBroken = "The form did not arrive whole. Try again."
)

func writeLogin(w http.ResponseWriter, status int, v loginView) {
	v.Style, v.Script = template.CSS(loginCSS), loginScript //nolint:gosec // our own
	var page bytes.Buffer
	if err := loginPage.Execute(&page, v); err != nil {
		Problem{Status: http.StatusInternalServerError, Detail: "the login page cannot be made"}.Write(w)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", loginPolicy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", challenge)
	}
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // the client may be gone
}

// showLogin answers the page; it uses nothing up.
func (a *API) showLogin(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	switch {
	case token == "":
		writeLogin(w, http.StatusOK, loginView{Note: noteNoKey})
	case !a.sessions.offered(token):
		writeLogin(w, http.StatusGone, loginView{Note: noteLink})
	default:
		writeLogin(w, http.StatusOK, loginView{Token: token})
	}
}

// login begins a session for a token or a key.
func (a *API) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxLogin)
	switch err := r.ParseForm(); {
	case elsewhere(r):
		crossOrigin.Write(w)
		return
	case err != nil:
		writeLogin(w, http.StatusBadRequest, loginView{Note: noteBroken})
		return
	}
	account, status, note := a.whoLogsIn(r.PostForm.Get("token"), r.PostForm.Get("key"))
	if note != "" {
		writeLogin(w, status, loginView{Note: note})
		return
	}
	a.sessions.close(secretOf(r)) // whoever was logged in here before is not any more
	http.SetCookie(w, cookie(r, a.sessions.begin(account)))
	a.Log.Info().Str("account", account).Msg("a login to the console")
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// whoLogsIn is the account of a token, or without one of a key; else a note says
// why there is none.
func (a *API) whoLogsIn(token, key string) (account string, status int, note string) {
	if token != "" {
		account, ok := a.sessions.redeem(token)
		if !ok {
			return "", http.StatusGone, noteLink
		}
		return account, 0, ""
	}
	if who, ok := a.Accounts.Authenticate(strings.TrimSpace(key)); ok {
		if _, ok := a.accountOf(who.ID); ok {
			return who.ID, 0, ""
		}
	}
	return "", http.StatusUnauthorized, noteKey
}

// logout ends the session, if there is one.
func (a *API) logout(w http.ResponseWriter, r *http.Request) {
	if secret := secretOf(r); secret != "" {
		if !sameOrigin(r) {
			crossOrigin.Write(w)
			return
		}
		a.sessions.close(secret)
		http.SetCookie(w, cookie(r, ""))
	}
	w.WriteHeader(http.StatusNoContent)
}

var crossOrigin = Problem{Status: http.StatusForbidden, Detail: "a session changes something only from a page of this gateway; scripts send Authorization: Bearer API_KEY"}

// sameOrigin: the request surely comes from a page of ours. Browsers that tell
// no Sec-Fetch-Site (to plain HTTP elsewhere than on loopback they don't) tell
// the origin of whatever changes something.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	return originIs(r, r.Header.Get("Origin"))
}

// elsewhere: the request surely comes from a page that is not ours. A form of
// the login page, whose referrer is hidden, has the origin null where browsers
// don't tell the site; whoever is no browser tells neither.
func elsewhere(r *http.Request) bool {
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "same-origin", "none":
		return false
	case "":
		origin := r.Header.Get("Origin")
		return origin != "" && origin != "null" && !originIs(r, origin)
	}
	return true
}

func originIs(r *http.Request, origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}
