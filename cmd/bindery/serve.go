package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

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
there yet is waited for; /readyz says 503 meanwhile. The log goes to stderr, a
JSON object a line.`,
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
	for _, w := range cfg.Warnings() {
		log.Warn().Str("file", file).Int("line", w.Line).Str("setting", w.Path).Msg(w.Message)
	}
	redisdb.LogTo(func(message string) { log.Debug().Msg(message) })
	g, err := gateway.New(cfg, gateway.Options{Log: log, Version: version})
	if err != nil {
		return err
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	go sayHangups(ctx, hangup, log)
	return g.Run(ctx)
}

// sayHangups keeps SIGHUP from ending the process, and does not pretend: this
// version does not reload.
func sayHangups(ctx context.Context, hangup <-chan os.Signal, log zerolog.Logger) {
	for {
		select {
		case <-hangup:
			log.Error().Msg("SIGHUP: this version does not reload its configuration; restart it")
		case <-ctx.Done():
			return
		}
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
