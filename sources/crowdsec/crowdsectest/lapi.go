// Package crowdsectest is a CrowdSec Local API in memory, for tests. It answers GET /v1/decisions as 1.7 does, as far as that was
// observed, and imports nothing but the standard library.
package crowdsectest

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// Decision is one of those that the API holds. An empty Origin is "cscli", Scope "Ip", Type "ban", Scenario "manual 'ban' from 'localtest'".
type Decision struct {
	Origin, Scenario, Scope, Type, Value string
	Length                               time.Duration // from when it is added
}

// LAPI is a Local API. It is safe for concurrent use.
type LAPI struct {
	key string

	mu     sync.Mutex
	last   int64 // the last decision's number
	stored []stored
	fault  http.Handler // nil: all is well
	asked  []string     // the paths and queries of requests
	agents map[string]bool
}

type stored struct {
	id    int64
	until time.Time
	Decision
}

// New returns a Local API without decisions, to which one key gives access.
func New(key string) *LAPI { return &LAPI{key: key, agents: map[string]bool{}} }

// Add makes a decision.
func (l *LAPI) Add(d Decision) {
	fallback := func(text *string, otherwise string) {
		if *text == "" {
			*text = otherwise
		}
	}
	fallback(&d.Origin, "cscli")
	fallback(&d.Scope, "Ip")
	fallback(&d.Type, "ban")
	fallback(&d.Scenario, "manual '"+d.Type+"' from 'localtest'")
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	l.stored = append(l.stored, stored{l.last, time.Now().Add(d.Length), d})
}

// Delete deletes every decision on a value, as `cscli decisions delete --ip` does, and returns how many these were.
func (l *LAPI) Delete(value string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := len(l.stored)
	l.stored = slices.DeleteFunc(l.stored, func(d stored) bool { return d.Value == value })
	return before - len(l.stored)
}

// DeleteAll deletes every decision; numbers go on from where they were.
func (l *LAPI) DeleteAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stored = nil
}

// Wipe puts a new and empty database into the place of the old one.
func (l *LAPI) Wipe() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stored, l.last = nil, 0
}

// Fail lets a handler answer in place of the API, until Recover.
func (l *LAPI) Fail(fault http.Handler) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = fault
}

// Recover ends a fault.
func (l *LAPI) Recover() { l.Fail(nil) }

// Asked are the paths and queries of all requests so far.
func (l *LAPI) Asked() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.asked)
}

// Agents are the User-Agents of all requests so far.
func (l *LAPI) Agents() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.agents))
}

// ServeHTTP answers a request.
func (l *LAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	l.asked = append(l.asked, r.URL.RequestURI())
	l.agents[r.UserAgent()] = true
	fault := l.fault
	l.mu.Unlock()
	switch {
	case fault != nil:
		fault.ServeHTTP(w, r)
	case r.URL.Path != "/v1/decisions": // the stream is not for programs that forget
		w.WriteHeader(http.StatusNotFound)
	case r.Method != http.MethodGet:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case r.Header.Get("X-Api-Key") != l.key:
		Message(http.StatusForbidden, "access forbidden").ServeHTTP(w, r)
	default:
		l.decisions(w, r)
	}
}

// decisions answers with what the query selects; the order is that of the ends, as in SQLite.
func (l *LAPI) decisions(w http.ResponseWriter, r *http.Request) {
	listed := func(name, value string) bool {
		given := r.URL.Query().Get(name)
		return given == "" || slices.Contains(strings.Split(given, ","), value)
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []map[string]any // nil, when empty: null
	all := slices.SortedStableFunc(slices.Values(l.stored), func(a, b stored) int { return a.until.Compare(b.until) })
	for _, d := range all {
		if d.until.After(now) && listed("scopes", strings.ToLower(d.Scope)) && listed("origins", d.Origin) {
			found = append(found, map[string]any{
				"duration": d.until.Sub(now).Round(time.Second).String(), "id": d.id, "origin": d.Origin,
				"scenario": d.Scenario, "scope": d.Scope, "type": d.Type, "value": d.Value,
			})
		}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if err := json.NewEncoder(w).Encode(found); err != nil {
		return // the client is gone
	}
}

// Message answers with a status and words, as the API does when something is wrong.
func Message(status int, words string) http.Handler {
	text, _ := json.Marshal(map[string]string{"message": words}) // a map of strings can be written
	return Body(status, string(text))
}

// Body answers with a status and any body.
func Body(status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// Transport returns a way to this API that opens no socket: every request lands here, whatever host it names. A handler that
// panics, as with http.ErrAbortHandler, is nobody at home.
func (l *LAPI) Transport() http.RoundTripper { return transport{l} }

type transport struct{ lapi *LAPI }

func (t transport) RoundTrip(r *http.Request) (response *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	defer func() {
		if recover() != nil {
			response, err = nil, errors.New("connect: connection refused")
		}
	}()
	w := httptest.NewRecorder()
	t.lapi.ServeHTTP(w, r)
	response = w.Result()
	response.Request = r
	return response, nil
}
