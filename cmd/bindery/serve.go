package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"bindery/config"
	"bindery/gateway"
	"bindery/internal/redisdb"
)

func newServeCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "serve --config FILE",
		Short: "Run the gateway",
		Long: `Runs the gateway until SIGTERM or Ctrl-C, then stops in order: no more messages
in, windows drained (at most 10 s), unbound, exit code 0. A Redis that is not
there yet is waited for; /readyz says 503 meanwhile. SIGHUP reloads the file:
carriers whose settings did not change keep their binds, a bad file changes
nothing. The log goes to stderr, a JSON object a line.`,
		Example: "  bindery serve --config /etc/bindery/bindery.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runServe(cmd.Context(), cmd.ErrOrStderr(), file)
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", "", "configuration file (YAML or JSON)")
	_ = cmd.MarkFlagRequired("config") // fails only for a flag that is not there
	return cmd
}

func runServe(ctx context.Context, stderr io.Writer, file string) error {
	cfg, err := loadConfig(stderr, file)
	if err != nil {
		return err
	}
	log := zerolog.New(stderr).Level(zerolog.InfoLevel).With().Timestamp().Logger()
	sayWarnings(cfg, file, log)
	redisdb.LogTo(func(message string) { log.Debug().Msg(message) })
	g, err := gateway.New(cfg, gateway.Options{Log: log, Version: version})
	if err != nil {
		return err
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	go reloadOnHangup(ctx, hangup, g, file, log)
	return g.Run(ctx)
}

// reloadBound is how long carriers that changed may drain.
const reloadBound = 10 * time.Second

// reloadOnHangup reads the file again at each SIGHUP. A bad file changes
// nothing, and the log says each of its errors.
func reloadOnHangup(ctx context.Context, hangup <-chan os.Signal, g *gateway.Gateway, file string, log zerolog.Logger) {
	for {
		select {
		case <-hangup:
		case <-ctx.Done():
			return
		}
		cfg, err := config.Load(file)
		for _, p := range config.Problems(err) {
			log.Error().Str("file", file).Int("line", p.Line).Str("setting", p.Path).Msg(p.Message)
		}
		if err == nil {
			sayWarnings(cfg, file, log)
			bounded, cancel := context.WithTimeout(ctx, reloadBound)
			err = g.Reload(bounded, cfg)
			cancel()
		}
		if err != nil {
			log.Error().Err(err).Msg("reload")
		}
	}
}

func sayWarnings(cfg *config.Config, file string, log zerolog.Logger) {
	for _, w := range cfg.Warnings() {
		log.Warn().Str("file", file).Int("line", w.Line).Str("setting", w.Path).Msg(w.Message)
	}
}

// loadConfig prints what is wrong with a file line by line.
func loadConfig(stderr io.Writer, file string) (*config.Config, error) {
	cfg, err := config.Load(file)
	problems := config.Problems(err)
	for _, p := range problems {
		fmt.Fprintf(stderr, "%s:%s\n", file, p)
	}
	if len(problems) > 0 {
		return nil, exitError(1)
	}
	return cfg, err
}
