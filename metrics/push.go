package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/prometheus/client_golang/prometheus/push"
	"github.com/prometheus/common/expfmt"
)

// pushJob is the value of the label job of everything that is pushed.
const pushJob = "edgeban"

// Gateway is a Pushgateway: it keeps what it was sent last and gives it to Prometheus, for as long as nobody deletes it there.
// https://github.com/prometheus/pushgateway
type Gateway struct {
	URL       string            // begins with http:// or https://, without /metrics and without a slash at its end
	Owner     string            // who pushes: the value of the label instance
	Transport http.RoundTripper // nil: the default one
}

// Push puts the run's metrics in the place of all that this owner, and the run's Instance, pushed before. So the gateway holds what
// [WriteFile] writes, and what this run did not measure is gone rather than old. ctx bounds the time that it takes. A refusal of the
// gateway's is an error with a method Hint() string, and so is its silence.
func (g Gateway) Push(ctx context.Context, run Run) error {
	pusher := push.New(g.URL, pushJob).
		Grouping("instance", cleanLabel(g.Owner)).
		Client(gatewayClient{g.Transport}).
		Format(expfmt.NewFormat(expfmt.TypeTextPlain)) // what every gateway reads, those of other makers too
	if run.Instance != "" { // the group has this label, so its metrics must not
		pusher.Grouping("configuration", cleanLabel(run.Instance))
		run.Instance = ""
	}
	if err := pusher.Gatherer(Registry(run)).PushContext(ctx); err != nil {
		return &gatewayError{doing: "push metrics to", url: g.URL, cause: err}
	}
	return nil
}

// Ready asks the gateway whether it would take a push, and changes nothing there. Its errors are like those of Push. Programs of other makers
// that take pushes may not know the question.
func (g Gateway) Ready(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.URL+"/-/ready", nil)
	if err != nil {
		return &gatewayError{doing: "ask", url: g.URL, cause: err}
	}
	response, err := gatewayClient{g.Transport}.Do(request)
	if err != nil {
		return &gatewayError{doing: "ask", url: g.URL, cause: err}
	}
	return response.Body.Close()
}

// gatewayClient sends a request and tells a refusal from an answer.
type gatewayClient struct{ transport http.RoundTripper }

// Do follows no redirect: a PUT that was redirected would arrive as a GET, and look like a success.
func (c gatewayClient) Do(req *http.Request) (*http.Response, error) {
	client := http.Client{
		Transport:     c.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(req)
	if err != nil {
		if at, ok := errors.AsType[*url.Error](err); ok {
			err = at.Err // without the URL: our message has it
		}
		return nil, err
	}
	if response.StatusCode == http.StatusOK || response.StatusCode == http.StatusAccepted {
		return response, nil
	}
	defer response.Body.Close()
	const enough = 300 // bytes of an explanation
	said, _ := io.ReadAll(io.LimitReader(response.Body, enough))
	line, _, _ := strings.Cut(strings.TrimSpace(string(said)), "\n")
	return nil, &refusalError{status: response.StatusCode, said: line}
}

// refusalError is an answer other than yes.
type refusalError struct {
	status int
	said   string // the first line, from outside
}

func (e *refusalError) Error() string {
	text := fmt.Sprintf("HTTP %d", e.status)
	if e.said != "" {
		text += ": " + e.said
	}
	return text
}

// gatewayError says that the gateway could not be reached, or refused.
type gatewayError struct {
	doing string
	url   string
	cause error
}

func (e *gatewayError) Error() string {
	cause := e.cause.Error()
	if errors.Is(e.cause, context.DeadlineExceeded) {
		cause = "no answer in time"
	}
	return e.doing + " " + e.url + ": " + cause
}

func (e *gatewayError) Unwrap() error { return e.cause }

// Hint says what to do, or nothing where the gateway's own words say it all.
func (e *gatewayError) Hint() string {
	refused, ok := errors.AsType[*refusalError](e.cause)
	switch {
	case !ok:
		return "Does the Pushgateway run, and can it be reached from here? Each run pushes anew."
	case refused.status == http.StatusUnauthorized || refused.status == http.StatusForbidden:
		return "It asks for a password, and edgeban has none for it: let it be reached without one, from this host."
	case refused.status >= 300 && refused.status < 400:
		return "It redirects, and a push does not follow: set pushgateway-url to the address it redirects to."
	case refused.status == http.StatusNotFound || refused.status == http.StatusMethodNotAllowed:
		return "Is this a Pushgateway? Its address has no /metrics at its end."
	}
	return ""
}
