package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/demo"
)

func (e *env) demoCommand() *cobra.Command {
	var save string
	var length time.Duration
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "record and decode a live session on loopback",
		Long: `demo starts a relay on loopback, publishes a clock through it and subscribes to it, first over raw
QUIC and then over WebTransport, records what passes the relay, and prints it decoded as it goes.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("demo takes no arguments, got %q", args[0])}
			}
			if length <= 0 {
				return usageError{fmt.Errorf("-for %s: want a duration above 0", length)}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return e.demo(cmd.Context(), length, save) },
	}
	cmd.Flags().DurationVar(&length, "for", 3*time.Second, "how long the clock runs")
	cmd.Flags().StringVarP(&save, "output", "o", "", "keep the capture in this file (pcapng, with its secrets)")
	return cmd
}

func (e *env) demo(ctx context.Context, length time.Duration, save string) error {
	opts := demo.Options{For: length}
	if save != "" {
		f, err := os.Create(save)
		if err != nil {
			return err
		}
		opts.Save = f
		return e.keep(f, func() error { return e.play(ctx, opts) })
	}
	return e.play(ctx, opts)
}

// keep runs a demo that is saved, and says where, unless nothing of it was written.
func (e *env) keep(f *os.File, play func() error) error {
	err := play()
	info, statErr := f.Stat()
	if err = errors.Join(err, f.Close()); err == nil {
		_, _ = fmt.Fprintf(e.err, "moqdump: demo: the capture is in %s\n", f.Name())
	} else if statErr == nil && info.Mode().IsRegular() && info.Size() == 0 {
		_ = os.Remove(f.Name())
	}
	return err
}

func (e *env) play(ctx context.Context, opts demo.Options) error {
	w := bufio.NewWriter(e.out)
	_, err := io.WriteString(w, "A relay on loopback, a clock published through it and read back: over raw QUIC, then over WebTransport.\n")
	if err != nil {
		return err
	}
	res, err := demo.Run(ctx, e.output(w, "text"), w.Flush, opts)
	if err := errors.Join(err, w.Flush()); err != nil {
		return err
	}
	for _, line := range res.Capture.Lines() {
		_, _ = fmt.Fprintln(e.err, "moqdump: demo:", line)
	}
	for _, t := range demo.Transports {
		_, _ = fmt.Fprintf(e.err, "moqdump: demo: %d frames read over %s\n", res.Frames[t.Name], t.Name)
	}
	return nil
}
