package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"syscall"
)

// toJournal reports whether f is connected to systemd's journal and not only a shell that a service started. The variable holds the
// device and inode of the stream: https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html (JOURNAL_STREAM)
func toJournal(f *os.File, variable string) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && variable == fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}

// The priorities of the journal, as a line may begin with them:
// https://www.freedesktop.org/software/systemd/man/latest/sd-daemon.html
const (
	priorityError   = "<3>"
	priorityWarning = "<4>"
	priorityInfo    = "<6>"
	priorityDebug   = "<7>"
)

// priority begins every line with one.
type priority struct {
	io.Writer
	prefix string
}

func (p priority) Write(text []byte) (int, error) {
	var all bytes.Buffer
	for line := range bytes.Lines(text) {
		all.WriteString(p.prefix)
		all.Write(line)
	}
	if _, err := p.Writer.Write(all.Bytes()); err != nil {
		return 0, err
	}
	return len(text), nil
}

// journalHandler is a handler for each priority.
type journalHandler map[string]slog.Handler

// newJournalHandler returns a handler whose lines bear their priorities. each makes the handler that writes the lines of one.
func newJournalHandler(w io.Writer, each func(io.Writer) slog.Handler) slog.Handler {
	h := journalHandler{}
	for _, prefix := range []string{priorityError, priorityWarning, priorityInfo, priorityDebug} {
		h[prefix] = each(priority{w, prefix})
	}
	return h
}

func priorityOf(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return priorityError
	case level >= slog.LevelWarn:
		return priorityWarning
	case level >= slog.LevelInfo:
		return priorityInfo
	default:
		return priorityDebug
	}
}

func (h journalHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h[priorityOf(level)].Enabled(ctx, level)
}

func (h journalHandler) Handle(ctx context.Context, r slog.Record) error {
	return h[priorityOf(r.Level)].Handle(ctx, r)
}

func (h journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.with(func(inner slog.Handler) slog.Handler { return inner.WithAttrs(attrs) })
}

func (h journalHandler) WithGroup(name string) slog.Handler {
	return h.with(func(inner slog.Handler) slog.Handler { return inner.WithGroup(name) })
}

func (h journalHandler) with(change func(slog.Handler) slog.Handler) slog.Handler {
	changed := journalHandler{}
	for prefix, inner := range h {
		changed[prefix] = change(inner)
	}
	return changed
}
