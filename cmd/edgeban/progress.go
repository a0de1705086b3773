package main

import (
	"fmt"
	"io"
	"time"

	"edgeban/cloudflare"
)

// progress shows on a terminal how far long work has come: one line, written over, and gone when the work is done. A nil progress
// shows nothing.
type progress struct {
	w     io.Writer
	began time.Time
	shown time.Time       // zero: there is no line
	work  cloudflare.Work // what the line tells of
}

const (
	progressAfter = time.Second // a run that takes less needs no line
	progressEvery = 200 * time.Millisecond

	clearLine = "\r\x1b[K"
)

func newProgress(w io.Writer) *progress { return &progress{w: w, began: time.Now()} }

// show tells of a step on what is called so, and holds what is called so.
func (p *progress) show(step cloudflare.Progress, target, noun string) {
	now := time.Now()
	if step.All == 0 || now.Sub(p.began) < progressAfter || step.Work == p.work && now.Sub(p.shown) < progressEvery {
		return
	}
	p.shown, p.work = now, step.Work
	fmt.Fprint(p.w, clearLine+progressText(step, target, noun))
}

// done takes the line away.
func (p *progress) done() {
	if p != nil && !p.shown.IsZero() {
		fmt.Fprint(p.w, clearLine)
		p.shown = time.Time{}
	}
}

func progressText(step cloudflare.Progress, target, noun string) string {
	switch step.Work {
	case cloudflare.Reading:
		if step.All < step.Done {
			return fmt.Sprintf("reading %s: %d %ss …", target, step.Done, noun)
		}
		return fmt.Sprintf("reading %s: %d of %d %ss …", target, step.Done, step.All, noun)
	case cloudflare.Adding:
		return fmt.Sprintf("adding %ss: %d of %d; Cloudflare is at work …", noun, step.Done, step.All)
	case cloudflare.Removing:
		return fmt.Sprintf("removing %ss: %d of %d; Cloudflare is at work …", noun, step.Done, step.All)
	default:
		return fmt.Sprintf("writing all %s; Cloudflare is at work …", plural(step.All, noun))
	}
}
