package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// gateway stands in for a Pushgateway without a socket.
type gateway func(w http.ResponseWriter, r *http.Request)

func (g gateway) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	g(recorder, r)
	return recorder.Result(), r.Context().Err()
}

// One PUT replaces the whole group, with what the file would hold.
func TestPush(t *testing.T) {
	for name, tt := range map[string]struct {
		instance string
		want     []string // either order
	}{
		"alone":      {"", []string{"/prefix/metrics/job/edgeban/instance/web-1"}},
		"one of two": {"mail", []string{"/prefix/metrics/job/edgeban/instance/web-1/configuration/mail", "/prefix/metrics/job/edgeban/configuration/mail/instance/web-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			run := fullRun()
			run.Instance = tt.instance
			asked, got := "", ""
			to := Gateway{URL: "http://pushgateway:9091/prefix", Owner: "web-1", Transport: gateway(func(_ http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				asked, got = r.Method+" "+r.URL.Path, string(body)
			})}
			if err := to.Push(t.Context(), run); err != nil {
				t.Fatal(err)
			}
			if asked != "PUT "+tt.want[0] && asked != "PUT "+tt.want[len(tt.want)-1] {
				t.Errorf("%s, want PUT %s", asked, tt.want)
			}
			if diff := cmp.Diff(render(t, fullRun()), got); diff != "" { // without the group's labels
				t.Errorf("pushed (-file +pushed):\n%s", diff)
			}
		})
	}
}

// A run that was skipped pushes what it knows, the last success among it, and no zero in the place of what it does not know.
func TestPushOfASkippedRun(t *testing.T) {
	pushed := ""
	to := Gateway{URL: "http://pushgateway:9091", Owner: "web-1", Transport: gateway(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		pushed = string(body)
	})}
	if err := to.Push(t.Context(), skippedRun()); err != nil {
		t.Fatal(err)
	}
	families := parse(t, pushed)
	for name, want := range map[string]float64{
		"edgeban_last_run_timestamp_seconds":     float64(now.Unix()),
		"edgeban_last_success_timestamp_seconds": float64(now.Add(-2 * time.Minute).Unix()),
	} {
		if got := families[name].series[""]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{"edgeban_active_bans", "edgeban_list_items", "edgeban_drift_items", "edgeban_last_run_added_items", "edgeban_list_capacity_items"} {
		if f, ok := families[name]; ok {
			t.Errorf("a skipped run pushes %s %v", name, f.series)
		}
	}
}

func TestPushErrors(t *testing.T) {
	answer := func(status int, body string) gateway {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://elsewhere/")
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	for name, tt := range map[string]struct {
		gateway http.RoundTripper
		want    string // after "push metrics to …: "; empty: no error
		hint    string
	}{
		"well":              {answer(200, ""), "", ""},
		"well, old":         {answer(202, ""), "", ""},
		"inconsistent":      {answer(400, "pushed metrics are invalid\nor inconsistent\n"), "HTTP 400: pushed metrics are invalid", ""},
		"no words":          {answer(500, ""), "HTTP 500", ""},
		"endless words":     {answer(500, strings.Repeat("x", 1_000_000)), "HTTP 500: " + strings.Repeat("x", 300), ""},
		"a password":        {answer(401, ""), "HTTP 401", "asks for a password"},
		"no such page":      {answer(404, "404 page not found\n"), "HTTP 404: 404 page not found", "no /metrics at its end"},
		"redirected":        {answer(301, ""), "HTTP 301", "address it redirects to"},
		"a page, not a yes": {answer(204, ""), "HTTP 204", ""},
		"down":              {broken{errors.New("connection refused")}, "connection refused", "Does the Pushgateway run"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Gateway{URL: "http://pushgateway:9091", Owner: "web-1", Transport: tt.gateway}.Push(t.Context(), fullRun())
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if want := "push metrics to http://pushgateway:9091: " + tt.want; err == nil || err.Error() != want {
				t.Fatalf("error %v, want %s", err, want)
			}
			checkHint(t, err, tt.hint)
		})
	}
}

type broken struct{ err error }

func (b broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, b.err }

// A gateway that never answers takes the time that the context leaves it, and no more.
func TestPushToSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		err := Gateway{URL: "http://pushgateway:9091", Owner: "web-1", Transport: gateway(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		})}.Push(ctx, fullRun())
		if want := "push metrics to http://pushgateway:9091: no answer in time"; err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
