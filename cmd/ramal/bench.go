package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"ramal/benchmarks/calls"
)

func benchCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "bench", Short: "Measure a running engine through its public doors"}
	cmd.AddCommand(benchCalls(), benchEngine())
	return cmd
}

func benchCalls() *cobra.Command {
	var cfg calls.Config
	var start bool
	var file string
	var agents int
	cmd := &cobra.Command{
		Use: "calls", Args: cobra.NoArgs, Short: "Real calls in both directions, with audio at both ears",
		Long: "Makes calls through a running engine: simulated customers on the provider's wire, simulated agents over the\n" +
			"WebSocket, real audio on both sides. With --start it brings its own engine (in a process of its own, so that its\n" +
			"CPU is measured alone), simulator, database and company; without, --engine and --sim name running ones, and each\n" +
			"call needs a contact of its own in the tenant. The numbers are those of this machine while it does nothing else.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Progress = cmd.OutOrStdout()
			if start {
				w, err := startBench(cmd.Context(), &cfg, agents)
				if err != nil {
					return err
				}
				defer w.stop()
			}
			report, err := calls.Run(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			if err := report.Print(cmd.OutOrStdout()); err != nil {
				return err
			}
			if file != "" {
				if err := writeReport(file, report); err != nil {
					return err
				}
			}
			if report.Calls.Failed > 0 {
				return fmt.Errorf("%d of %d calls failed", report.Calls.Failed, report.Calls.Good+report.Calls.Failed)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.IntVar(&cfg.Calls, "calls", 200, "how many calls")
	f.Float64Var(&cfg.Rate, "rate", 5, "calls started in a second")
	f.DurationVar(&cfg.Talk, "talk", 8e9, "talk time of each, 1s to 30s")
	f.DurationVar(&cfg.AnswerAfter, "answer-after", 5e8, "a person's time to answer")
	f.StringVar(&file, "json", "", "write the report to this file")
	f.StringVar(&cfg.Note, "note", "", "put into the report: what a reader must know of this run")
	f.BoolVar(&start, "start", false, "start engine, simulator, database and company for it")
	f.IntVar(&agents, "agents", 0, "with --start: how many agents; 0: as many as rate and talk need")
	f.StringVar(&cfg.EngineURL, "engine", "", "URL of a running engine")
	f.StringVar(&cfg.SimURL, "sim", "", "URL of the simulator that its lines use")
	f.StringVar(&cfg.Tenant, "tenant", "", "tenant whose agents and contacts are used")
	f.StringVar(&cfg.Secret, "secret", os.Getenv("RAMAL_AUTH_SECRET"), "the engine's HS256 secret (RAMAL_AUTH_SECRET)")
	f.StringVar(&cfg.Agent, "agent", "", "any agent of the tenant; all of them take calls")
	f.StringVar(&cfg.Line, "line", "", "line; default: the first whose number the simulator knows")
	f.Lookup("secret").DefValue = "" // help must not print what the environment holds
	return cmd
}

func writeReport(path string, r calls.Report) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(r.Write(f), f.Close())
}
