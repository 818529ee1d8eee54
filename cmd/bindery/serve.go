package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"bindery/cmd/bindery/internal/client"
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
nothing, and what needs a restart is said. The log goes to stderr, a JSON object
a line.

Several instances may run with one file on one Redis; they share each carrier's
binds and rate.

Exit code: 0 stopped as asked; 1 wrong configuration, an address that is taken,
a Redis that does not suit; 2 wrong flags.`,
		Example: `  bindery serve --config /etc/bindery/bindery.yaml
  bindery serve -c bindery.yaml 2>bindery.log
  kill -HUP "$(pidof bindery)"        # read the file again`,
		Args: noArguments("config"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := configGiven(file); err != nil {
				return err
			}
			return runServe(cmd, file)
		},
	}
	configFlag(cmd, &file)
	return cmd
}

func runServe(cmd *cobra.Command, file string) error {
	ctx, stderr := cmd.Context(), cmd.ErrOrStderr()
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
	if err := g.Run(ctx); errors.Is(err, syscall.EADDRINUSE) {
		return &client.Problem{Exit: exitFailed, What: err.Error(), Next: "something listens there already, perhaps another gateway; end it, or change that setting in " + file, Cause: err}
	} else if err != nil {
		return err
	}
	return nil
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
		switch n := len(config.Problems(err)); {
		case n > 0:
			log.Error().Str("file", file).Int("errors", n).Msg("not reloaded: the file is wrong; everything stays as it was")
		case err != nil:
			log.Error().Err(err).Msg("not reloaded: what the error does not name stays as it was")
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
	switch {
	case len(problems) > 0:
		return nil, exitError(exitFailed)
	case errors.Is(err, fs.ErrNotExist):
		return nil, &client.Problem{Exit: exitFailed, What: err.Error(), Next: whichConfig(), Cause: err}
	}
	return cfg, err
}
