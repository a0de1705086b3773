package main

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"edgeban/sources/crowdsec/crowdsectest"
)

func crowdsecCommands(command declare) {
	command("decision", 3, 5, func(_ *testscript.TestScript, s *story, args []string) error {
		length, err := time.ParseDuration(args[2])
		d := crowdsectest.Decision{Type: args[0], Value: args[1], Length: length}
		if strings.Contains(d.Value, "/") {
			d.Scope = "Range"
		}
		if len(args) > 3 {
			d.Scenario = args[3]
		}
		if len(args) > 4 {
			d.Origin = args[4]
		}
		s.lapi.Add(d)
		return err
	})
	command("decisions", 2, 3, func(_ *testscript.TestScript, s *story, args []string) error {
		n, err := strconv.Atoi(args[0])
		length, bad := time.ParseDuration(args[1])
		for i := range n {
			d := crowdsectest.Decision{Value: fmt.Sprintf("203.0.%d.%d", 1+i>>8, i&255), Length: length}
			if len(args) > 2 {
				d.Origin = args[2]
			}
			s.lapi.Add(d)
		}
		return errors.Join(err, bad)
	})
	command("undecide", 1, 1, func(_ *testscript.TestScript, s *story, args []string) error {
		switch args[0] {
		case "all":
			s.lapi.DeleteAll()
		case "wipe":
			s.lapi.Wipe()
		default:
			if s.lapi.Delete(args[0]) == 0 {
				return fmt.Errorf("no decision on %s", args[0])
			}
		}
		return nil
	})
	command("lapi-fault", 1, 1, func(_ *testscript.TestScript, s *story, args []string) error {
		status, err := strconv.Atoi(args[0])
		switch {
		case args[0] == "down":
			s.lapi.Fail(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		case err == nil:
			s.lapi.Fail(crowdsectest.Message(status, "query decision failed: unable to query"))
		default:
			s.lapi.Fail(crowdsectest.Body(http.StatusOK, args[0]))
		}
		return nil
	})
	command("lapi-well", 0, 0, func(_ *testscript.TestScript, s *story, _ []string) error {
		s.lapi.Recover()
		return nil
	})
	command("lapi-asked", 1, 1, func(_ *testscript.TestScript, s *story, args []string) error {
		asked := s.lapi.Asked()
		for _, path := range asked {
			if !strings.HasPrefix(path, "/v1/decisions?") {
				return fmt.Errorf("asked for %s", path)
			}
		}
		return equal(args[0], len(asked), "requests")
	})
}
