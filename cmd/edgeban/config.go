package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v3"
)

func configCommand(sys *system) *cli.Command {
	return &cli.Command{
		Name:  "config",
		Usage: "show the settings in effect and where each came from",
		Flags: sys.settingFlags(&cli.BoolFlag{Name: "json", HideDefault: true, Usage: "print JSON"}),
		Action: func(_ context.Context, cmd *cli.Command) error {
			s, err := loadSettings(cmd, sys, 0)
			if err != nil {
				return err
			}
			for _, warning := range s.Warnings {
				complain(sys.stderr, "warning: "+warning, "")
			}
			if cmd.Bool("json") {
				return writeConfigJSON(sys.stdout, s.rows())
			}
			return writeConfig(sys.stdout, s.rows())
		},
	}
}

// configRow is a setting as `edgeban config` shows it.
type configRow struct {
	Name   string `json:"name"`
	Value  any    `json:"value"` // a string, an int or a []string that is never nil
	Origin string `json:"origin"`
}

// rows returns the settings in the order of their declaration, secrets masked.
func (s *Settings) rows() []configRow {
	var rows []configRow
	for _, declared := range settings() {
		rows = append(rows, configRow{declared.name, s.shown(declared), s.values[declared.name].origin})
		switch declared.name {
		case "token-file":
			rows = append(rows, configRow{"token", s.Token.String(), s.tokenOrigin})
		case "api-key-file":
			rows = append(rows, configRow{"api-key", s.Key.String(), s.keyOrigin})
		case "crowdsec-key-file":
			rows = append(rows, configRow{"crowdsec-key", s.CrowdSecKey.String(), s.crowdsecKeyOrigin})
		}
	}
	return rows
}

// shown is the value of a setting as a person is to see it.
func (s *Settings) shown(declared setting) any {
	v := s.values[declared.name]
	switch {
	case declared.name == "owner":
		return s.Owner
	case declared.name == "account":
		return s.Account
	case declared.name == "max-items":
		return s.MaxItems
	case declared.kind == truth:
		return v.text() == "yes" || v.text() == "true"
	case declared.kind == list:
		return append([]string{}, v.texts...)
	case declared.kind == number:
		n, _ := strconv.Atoi(v.text()) // parse has seen it
		return n
	default:
		return v.text()
	}
}

func writeConfigJSON(w io.Writer, rows []configRow) error {
	return writeJSON(w, map[string][]configRow{"settings": rows})
}

func writeConfig(w io.Writer, rows []configRow) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		shown := fmt.Sprint(row.Value)
		if texts, isList := row.Value.([]string); isList {
			shown = strings.Join(texts, ", ")
		}
		if shown == "" {
			shown = "-"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", row.Name, shown, row.Origin)
	}
	return table.Flush()
}
