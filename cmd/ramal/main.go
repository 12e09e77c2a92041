// Command ramal is the whole of Ramal: the engine, the simulator and the tools, in one binary.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // lines have business hours in any zone, on any machine

	"github.com/spf13/cobra"

	"ramal/internal/app"
	"ramal/store/embedded"
)

func main() {
	embedded.MaybeSupervise() // the child that watches the private PostgreSQL never returns from here
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{
		Use: "ramal", Short: "Voice calls over WhatsApp for customer service", Version: app.Version,
		SilenceUsage: true, SilenceErrors: true,
	}
	root.AddCommand(devCommand(), serveCommand(), simCommand(), migrateCommand(), seedCommand(), keyCommand(), tokenCommand(), benchCommand())
	root.AddCommand(dataCommands()...)
	if err := root.ExecuteContext(ctx); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "ramal:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}
