package main

import (
	"context"
	"runtime"
	"time"

	"edgeban/metrics"
)

// pushPatience is how long a Pushgateway may take to answer. With it, a run that used up its default time still ends before the next one.
const pushPatience = 3 * time.Second

// publish writes and pushes the metrics, even of a run that failed, was interrupted or is out of time. If they cannot be published the run
// does not fail: their age tells.
func (x *session) publish(ctx context.Context, done []ended) {
	s := x.settings
	if s.MetricsFile == "" && s.Pushgateway == "" {
		return
	}
	run := metrics.Run{
		Report: done[0].report, Instance: s.Instance, List: done[0].label(), LastSuccess: done[0].listState().LastSuccess, Forgetful: x.dir == nil,
		Version: thisVersion(), GoVersion: runtime.Version(),
	}
	for _, e := range done[1:] {
		run.Others = append(run.Others, metrics.Target{Report: e.report, List: e.label(), Spill: e.spillMode()})
	}
	works := x.works()
	for _, e := range done {
		works = append(works, e.work)
	}
	for _, w := range works { // a run succeeded only if it did for all targets
		if last := w.listState().LastSuccess; last.Before(run.LastSuccess) {
			run.LastSuccess = last
		}
	}
	for _, r := range x.client.Requests() {
		run.Requests = append(run.Requests, metrics.Request{Method: r.Method, Status: r.Status, Count: r.Count})
	}
	if s.MetricsFile != "" {
		if err := metrics.WriteFile(s.MetricsFile, run); err != nil {
			x.out.warnOf(err, "")
		}
	}
	if s.Pushgateway != "" {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pushPatience)
		defer cancel()
		if err := x.gateway().Push(ctx, run); err != nil {
			x.out.warnOf(err, "")
		}
	}
}

func (x *session) gateway() metrics.Gateway {
	return metrics.Gateway{URL: x.settings.Pushgateway, Owner: x.settings.Owner, Transport: x.sys.pushgateway}
}
