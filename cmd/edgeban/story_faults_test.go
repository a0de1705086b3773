package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

// storyFault is an effect by its name in a story.
func storyFault(name, arg string) (cloudflaretest.Effect, error) {
	switch name {
	case "answer": // a status: cf-fault GET lists answer 503
		status, err := strconv.Atoi(arg)
		return cloudflaretest.Answer(status, 10001, "some words of Cloudflare's"), err
	case "drop":
		return cloudflaretest.Drop(), nil
	case "lose-answer":
		return cloudflaretest.After(cloudflaretest.Drop()), nil
	case "throttle": // Retry-After
		return cloudflaretest.TooManyRequests(10040, arg), nil
	case "too-large": // for writes of more items
		most, err := strconv.Atoi(arg)
		return tooLarge(most), err
	case "fail-operation":
		return cloudflaretest.FailOperation(arg), nil
	case "stuck-operation":
		return cloudflaretest.StuckOperation(), nil
	case "delay", "wrong-date":
		d, err := time.ParseDuration(arg)
		if name == "delay" {
			return cloudflaretest.Delay(d), err
		}
		return cloudflaretest.WrongDate(d), err
	}
	return nil, fmt.Errorf("unknown fault %s", name)
}

// tooLarge refuses writes of more items than most.
func tooLarge(most int) cloudflaretest.Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		body, err := io.ReadAll(r.Body)
		if err == nil && bytes.Count(body, []byte(`"ip":`))+bytes.Count(body, []byte(`"id":`)) > most {
			next = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) })
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	}
}
