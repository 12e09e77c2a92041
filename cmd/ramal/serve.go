package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"ramal/internal/app"
	"ramal/internal/config"
	"ramal/sim"
	"ramal/store/embedded"
)

func devCommand() *cobra.Command {
	d := app.Dev{Out: os.Stdout}
	cmd := &cobra.Command{
		Use: "dev", Args: cobra.NoArgs,
		Short: "Run everything on this machine: database, simulator, engine and a demo company",
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := d.Start(cmd.Context())
			if err != nil {
				return err
			}
			defer r.Close()
			select {
			case <-cmd.Context().Done():
				_, _ = fmt.Fprintln(d.Out, "\n  stopping")
				return nil
			case err := <-r.Engine.Lost():
				return fmt.Errorf("the cluster has given this node up: %w", err)
			case <-r.DatabaseEnded():
				return errors.New("the private database has ended; start again, the data are kept")
			}
		},
	}
	f := cmd.Flags()
	f.StringVar(&d.DataDir, "data", embedded.DefaultDataDir(), "folder of the database and the demo's keys")
	f.StringVar(&d.Listen, "listen", "127.0.0.1:8080", "address of the engine")
	f.StringVar(&d.SimListen, "sim-listen", "127.0.0.1:8090", "address of the simulator and the customer's phone")
	f.StringVar(&d.LogLevel, "log-level", "warn", "debug, info, warn or error")
	return cmd
}

func serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "serve", Args: cobra.NoArgs, Short: "Run one node of the engine",
		Long: "Runs one node of the engine. Every setting is a flag, a RAMAL_* variable and a key of the YAML file;\n" +
			"config.example.yaml explains them. Nodes that share a database form one cluster.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(cmd.Flags(), os.Environ)
			if err == nil {
				err = cfg.Validate()
			}
			if err != nil {
				return err
			}
			log := cfg.Logger(os.Stderr)
			slog.SetDefault(log)
			e, err := app.Start(cmd.Context(), cfg, log)
			if err != nil {
				return err
			}
			defer e.Close()
			log.Info("serving", slog.String("url", e.URL()))
			select {
			case err := <-e.Lost():
				return fmt.Errorf("the cluster has given this node up, start it anew: %w", err)
			case <-cmd.Context().Done():
			}
			ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), cfg.DrainTimeout)
			defer cancel()
			log.Info("draining", slog.Duration("at_most", cfg.DrainTimeout))
			if err := e.Drain(ctx); err != nil {
				log.Warn("drain cut short", slog.Any("error", err))
			}
			return nil
		},
	}
	config.Flags(cmd.Flags())
	return cmd
}

func simCommand() *cobra.Command {
	var cfg sim.Config
	cmd := &cobra.Command{
		Use: "sim", Args: cobra.NoArgs, Short: "Run the simulator that stands in Meta's place",
		Long: "Runs Meta's side of WhatsApp calling: Graph API, signed webhooks, phones with real audio, a control API under\n" +
			"/control/ and the customer's phone under /phone/. State lives in memory. See sim/README.md.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
			s, err := sim.New(cfg)
			if err != nil {
				return err
			}
			defer func() { _ = s.Close() }()
			if err := s.Start(cmd.Context()); err != nil {
				return err
			}
			_, _ = fmt.Fprintf(os.Stdout, "simulator at %s\n", s.URL())
			<-cmd.Context().Done()
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Listen, "listen", "127.0.0.1:8090", "HTTP address")
	f.StringVar(&cfg.PublicURL, "public-url", "", "address under which others reach it; default: from the listener")
	f.StringSliceVar(&cfg.MediaIPs, "media-ip", nil, "addresses of the phones' audio (default 127.0.0.1)")
	f.IntVar(&cfg.MediaPort, "media-port", 0, "UDP port of all audio; 0: any")
	f.StringVar(&cfg.SeedFile, "seed", "", "JSON file with business numbers and customers")
	return cmd
}
