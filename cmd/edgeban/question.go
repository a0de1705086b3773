package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// questions asks a person at the terminal.
type questions struct {
	in  *bufio.Reader
	out io.Writer
}

func newQuestions(sys *system) *questions {
	return &questions{in: bufio.NewReader(sys.stdin), out: sys.stdout}
}

// errNoReply says that standard input ended before a question was answered.
var errNoReply = errors.New("no reply: nothing was changed")

// ask asks and returns what was typed. It ends with ctx: the first Ctrl-C must not wait for a reply.
func (q *questions) ask(ctx context.Context, question string) (string, error) {
	fmt.Fprintf(q.out, "%s ", question)
	type reply struct {
		text string
		err  error
	}
	typed := make(chan reply, 1)
	go func() {
		text, err := q.in.ReadString('\n')
		typed <- reply{strings.TrimSpace(text), err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(q.out)
		return "", fmt.Errorf("interrupted: nothing was changed: %w", ctx.Err())
	case r := <-typed:
		if r.err != nil && r.text == "" {
			fmt.Fprintln(q.out)
			return "", errNoReply
		}
		return r.text, nil
	}
}

// confirm asks for a yes; everything else is a no.
func (q *questions) confirm(ctx context.Context, question string) (bool, error) {
	text, err := q.ask(ctx, question+" [y/N]")
	text = strings.ToLower(text)
	return text == "y" || text == "yes", err
}
