package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestToJournal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stream"))
	if err != nil {
		t.Fatal(err)
	}
	var stat syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &stat); err != nil {
		t.Fatal(err)
	}
	itself := fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
	for variable, want := range map[string]bool{itself: true, itself + "1": false, "": false, "8:12345": false} {
		if toJournal(f, variable) != want {
			t.Errorf("%q: %t", variable, !want)
		}
	}
	if err := f.Close(); err != nil || toJournal(f, itself) {
		t.Error("a closed file is no journal", err)
	}
}

// Every line bears its priority: a warning is found by journalctl -p warning, and a message of several lines whole.
func TestJournalLines(t *testing.T) {
	var said bytes.Buffer
	options := &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{}
		}
		return a
	}}
	sys := &system{stderr: &said, journal: true}
	log := slog.New(newJournalHandler(sys.stderr, func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, options) }))
	log.Debug("a")
	log.Info("b", "two", "x\ny")
	log.With("k", "v").Warn("c")
	log.WithGroup("g").Error("d", "k", "v")
	report(priority{&said, priorityError}, usagef("one\ntwo"))
	const want = "<7>msg=a\n<6>msg=b two=\"x\\ny\"\n<4>msg=c k=v\n<3>msg=d g.k=v\n<3>edgeban: one\n<3>two\n"
	if said.String() != want {
		t.Errorf("got\n%swant\n%s", &said, want)
	}
}
