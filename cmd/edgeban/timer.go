package main

import (
	"context"
	"encoding/json"
	"time"
)

// unit is what the packages call a unit of this instance: edgeban.timer, edgeban@mail.path.
func (x *session) unit(kind string) string {
	if x.settings.Instance == "" {
		return "edgeban." + kind
	}
	return "edgeban@" + x.settings.Instance + "." + kind
}

// nextRun is when a timer of systemd's starts the next run; zero: there is no such timer, or it is not known. systemctl counts
// in microseconds since 1970, and has done so since systemd 246: https://github.com/systemd/systemd/issues/15650.
func (sys *system) nextRun(ctx context.Context, timer string) time.Time {
	if sys.systemctl == nil {
		return time.Time{}
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	text, err := sys.systemctl(ctx, "list-timers", "--all", "--output=json", timer)
	var timers []struct {
		Unit string `json:"unit"`
		Next int64  `json:"next"`
	}
	if err != nil || json.Unmarshal(text, &timers) != nil {
		return time.Time{}
	}
	for _, t := range timers {
		if t.Unit == timer && t.Next > 0 {
			return time.UnixMicro(t.Next).UTC()
		}
	}
	return time.Time{}
}
