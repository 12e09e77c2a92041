package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ramal/internal/app"
	"ramal/internal/config"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/internal/secret"
	"ramal/store"
)

// withStore runs do on the database that the command's settings name.
func withStore(cmd *cobra.Command, do func(ctx context.Context, cfg config.Config, st *store.Store) error) error {
	cfg, err := config.Load(cmd.Flags(), os.Environ)
	if err == nil {
		err = cfg.ValidateStore()
	}
	if err != nil {
		return err
	}
	st, err := app.OpenStore(cmd.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer st.Close()
	return do(cmd.Context(), cfg, st)
}

// settingsFlags adds the settings' flags, but shows none of them in a data command's help: they are those of serve.
func settingsFlags(cmd *cobra.Command) *cobra.Command {
	fs := config.Flags(pflag.NewFlagSet("settings", pflag.ContinueOnError))
	fs.VisitAll(func(f *pflag.Flag) {
		f.Hidden = f.Name != "config" && f.Name != "database-url" && f.Name != "keys"
		if cmd.Flags().Lookup(f.Name) == nil {
			cmd.Flags().AddFlag(f)
		}
	})
	return cmd
}

func sayf(format string, args ...any) { _, _ = fmt.Fprintf(os.Stdout, format+"\n", args...) }

func migrateCommand() *cobra.Command {
	return settingsFlags(&cobra.Command{
		Use: "migrate", Args: cobra.NoArgs, Short: "Bring the database's schema to this version",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(cmd.Flags(), os.Environ)
			if err == nil && cfg.Database.URL == "" {
				err = errors.New("give --database-url or RAMAL_DATABASE_URL")
			}
			if err != nil {
				return err
			}
			return store.Migrate(cmd.Context(), cfg.Database.URL, func(text string) { sayf("%s", text) })
		},
	})
}

func seedCommand() *cobra.Command {
	return settingsFlags(&cobra.Command{
		Use: "seed FILE", Args: cobra.ExactArgs(1), Short: "Add tenants, agents, lines and contacts from a YAML file; what exists is left alone",
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			s, err := app.ParseSeed(raw)
			if err != nil {
				return err
			}
			return withStore(cmd, func(ctx context.Context, _ config.Config, st *store.Store) error {
				return s.Apply(ctx, st, func(text string) { sayf("%s", text) })
			})
		},
	})
}

func keyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "key", Args: cobra.NoArgs, Short: "Make a key for the setting keys (RAMAL_KEYS)",
		RunE: func(*cobra.Command, []string) error {
			key, err := secret.Generate("k" + time.Now().UTC().Format("20060102"))
			if err == nil {
				sayf("%s", key)
			}
			return err
		},
	}
}

func tokenCommand() *cobra.Command {
	var tenant, agent, role string
	var life time.Duration
	cmd := &cobra.Command{
		Use: "token", Args: cobra.NoArgs, Short: "Issue an agent's token with the HS256 secret (development)",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(cmd.Flags(), os.Environ)
			if err != nil {
				return err
			}
			token, err := app.Token(cfg, id.Tenant(tenant), id.Agent(agent), role, life)
			if err == nil {
				sayf("%s", token)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&tenant, "tenant", "", "tenant id (required)")
	f.StringVar(&agent, "agent", "", "agent id (required)")
	f.StringVar(&role, "role", "agent", "agent, supervisor or admin")
	f.DurationVar(&life, "life", 24*time.Hour, "how long the token is valid")
	return settingsFlags(cmd)
}

// dataCommands add and list what is data: tenants, agents and lines.
func dataCommands() []*cobra.Command {
	tenant := &cobra.Command{Use: "tenant", Short: "Customer companies"}
	tenant.AddCommand(tenantAdd(), tenantList())
	agents := &cobra.Command{Use: "agent", Short: "Members of a tenant's staff"}
	agents.AddCommand(agentAdd())
	lines := &cobra.Command{Use: "line", Short: "Business numbers and who carries their calls"}
	lines.AddCommand(lineAdd())
	return []*cobra.Command{tenant, agents, lines}
}

func tenantAdd() *cobra.Command {
	var name, template, language string
	var withName bool
	cmd := &cobra.Command{
		Use: "add ID", Args: cobra.ExactArgs(1), Short: "Add a tenant",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !id.Valid(args[0]) {
				return fault.Newf(fault.Invalid, "tenant.add", "invalid_field", "id %q is not valid: letters, digits, - and _, at most 64", args[0])
			}
			settings, err := json.Marshal(map[string]any{
				"permission_template": template, "permission_template_language": language, "permission_template_with_name": withName,
			})
			if err != nil {
				return err
			}
			return withStore(cmd, func(ctx context.Context, _ config.Config, st *store.Store) error {
				row := store.TenantRow{ID: id.Tenant(args[0]), Name: name, Settings: settings, CreatedAt: time.Now()}
				return added(st.InsertTenant(ctx, row), "tenant", args[0])
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "name that people read")
	f.StringVar(&template, "permission-template", "", "approved template that asks for call permission outside the service window")
	f.StringVar(&language, "permission-template-language", "pt_BR", "its language")
	f.BoolVar(&withName, "permission-template-with-name", false, "its body has one place, for the contact's name")
	return settingsFlags(cmd)
}

func tenantList() *cobra.Command {
	return settingsFlags(&cobra.Command{
		Use: "list", Args: cobra.NoArgs, Short: "List tenants with their agents and lines",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd, func(ctx context.Context, _ config.Config, st *store.Store) error {
				tenants, err := st.ListTenants(ctx)
				if err != nil {
					return err
				}
				for _, t := range tenants {
					sayf("%s  %s", t.ID, t.Name)
					agents, err := st.ListAgents(ctx, t.ID)
					if err != nil {
						return err
					}
					for _, a := range agents {
						sayf("  agent %s  %s  %s", a.ID, a.Name, a.Role)
					}
					lines, err := st.ListLines(ctx, t.ID)
					if err != nil {
						return err
					}
					for _, l := range lines {
						sayf("  line  %s  %s  phone-number id %s at %s", l.ID, l.DisplayNumber, l.PhoneNumberID, l.GraphURL)
					}
				}
				return nil
			})
		},
	})
}

func agentAdd() *cobra.Command {
	var tenant string
	var a app.SeedAgent
	cmd := &cobra.Command{
		Use: "add ID", Args: cobra.ExactArgs(1), Short: "Add an agent to a tenant",
		RunE: func(cmd *cobra.Command, args []string) error {
			a.ID = id.Agent(args[0])
			return withStore(cmd, func(ctx context.Context, _ config.Config, st *store.Store) error {
				return added(app.AddAgent(ctx, st, id.Tenant(tenant), a), "agent", args[0])
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&tenant, "tenant", "", "tenant id (required)")
	f.StringVar(&a.Name, "name", "", "name that people read")
	f.StringVar(&a.Email, "email", "", "e-mail address")
	f.StringVar(&a.Role, "role", "agent", "agent, supervisor or admin")
	return settingsFlags(cmd)
}

func lineAdd() *cobra.Command {
	var tenant string
	var l app.SeedLine
	cmd := &cobra.Command{
		Use: "add ID", Args: cobra.ExactArgs(1), Short: "Add a business number to a tenant",
		Long: "Adds a business number. --graph-url, --api-version and --token say who carries its calls: Meta (the default\n" +
			"address), a BSP that speaks the same API, or a simulator. Webhooks come to /webhooks/whatsapp.",
		RunE: func(cmd *cobra.Command, args []string) error {
			l.ID = id.Line(args[0])
			return withStore(cmd, func(ctx context.Context, _ config.Config, st *store.Store) error {
				return added(app.AddLine(ctx, st, id.Tenant(tenant), l), "line", args[0])
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&tenant, "tenant", "", "tenant id (required)")
	f.StringVar(&l.Name, "name", "", "name that people read")
	f.StringVar(&l.PhoneNumberID, "phone-number-id", "", "the provider's id of the number (required)")
	f.StringVar(&l.DisplayNumber, "display-number", "", "the number as people read it")
	f.StringVar(&l.WABA, "waba-id", "", "WhatsApp business account id")
	f.StringVar(&l.GraphURL, "graph-url", "https://graph.facebook.com", "base URL of the Graph API")
	f.StringVar(&l.APIVersion, "api-version", "v26.0", "version of the Graph API; none leaves it out of the path")
	f.StringVar(&l.Token, "token", os.Getenv("RAMAL_LINE_TOKEN"), "access token (RAMAL_LINE_TOKEN)")
	f.StringVar(&l.AppSecret, "app-secret", os.Getenv("RAMAL_LINE_APP_SECRET"), "secret that signs webhooks (RAMAL_LINE_APP_SECRET)")
	f.StringVar(&l.VerifyToken, "verify-token", os.Getenv("RAMAL_LINE_VERIFY_TOKEN"), "token of the webhook's verification (RAMAL_LINE_VERIFY_TOKEN)")
	for _, name := range []string{"token", "app-secret", "verify-token"} {
		f.Lookup(name).DefValue = "" // help must not print what the environment holds
	}
	return settingsFlags(cmd)
}

func added(err error, what, name string) error {
	switch {
	case fault.Is(err, fault.Conflict) && what == "line":
		return fmt.Errorf("line %s exists already, or its phone-number id does", name)
	case fault.Is(err, fault.Conflict):
		return fmt.Errorf("%s %s exists already", what, name)
	case fault.CodeOf(err) == store.CodeNoParent:
		return fmt.Errorf("%s %s not added: there is no such tenant (see `ramal tenant list`)", what, name)
	}
	if err == nil {
		sayf("%s %s added", what, name)
	}
	return err
}
