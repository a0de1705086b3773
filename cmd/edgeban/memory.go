package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// Soft limits for Go's memory. As a run comes near its limit the garbage collector works harder; a run that needs more still gets it, and
// takes more of the processor's time.
const (
	memoryLimit         = 27 << 19 // bytes: 10 000 bans and 10 000 items stay below 24 MB resident, the program itself included
	memoryLimitCrowdSec = 48 << 20 // bytes: with less, 50 000 decisions would take four times the processor's time
)

// sparePercent is GOGC where the limit is memoryLimit: how much garbage there may be, in percent of what is in use. Go's own default is 100;
// with less, the peaks of runs differ less.
const sparePercent = 40

// spare keeps the program small on the smallest machine: a run mostly waits for the network, and with one processor needs less memory.
// Go's own environment variables take precedence.
func spare() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
	limitMemory(memoryLimit)
}

func limitMemory(bytes int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(bytes)
	}
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := 100
	if bytes == memoryLimit {
		percent = sparePercent
	}
	debug.SetGCPercent(percent)
}
