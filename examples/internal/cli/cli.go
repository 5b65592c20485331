// Package cli is what the command lines of the examples have in common: flags in any place,
// one line for what is wrong, an exit code that tells usage from the rest, and an end on
// SIGINT and SIGTERM.
package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/moqrx/moqrx/session"
)

// Main runs an example and ends the process: with 0 when it is done or was told to stop, with
// 2 after a usage error, with 1 after any other. ctx ends with the signal to stop.
func Main(name string, run func(ctx context.Context, args []string) error) {
	log.SetFlags(0)
	log.SetPrefix(name + ": ")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:])
	var usage *usageError
	var url *session.URLError // no session can have it, whoever answers
	switch {
	case err == nil, ctx.Err() != nil, errors.Is(err, flag.ErrHelp):
		stop()
	case errors.As(err, &usage), errors.As(err, &url):
		log.Printf("%v (see %s -h)", err, name)
		os.Exit(2)
	default:
		log.Fatal(err)
	}
}

type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// Usage makes a usage error.
func Usage(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// Parse reads flags from anywhere among the words and returns the words. Asked for help, it
// prints that and returns flag.ErrHelp.
func Parse(flags *flag.FlagSet, args []string) (words []string, err error) {
	flags.SetOutput(io.Discard) // errors are printed once, by Main
	for len(args) > 0 {
		switch err := flags.Parse(args); {
		case errors.Is(err, flag.ErrHelp):
			flags.SetOutput(os.Stdout)
			flags.Usage()
			return nil, err
		case err != nil:
			return nil, Usage("%w", err)
		}
		if args = flags.Args(); len(args) > 0 {
			words, args = append(words, args[0]), args[1:]
		}
	}
	return words, nil
}

// VersionsFlag adds -versions.
func VersionsFlag(flags *flag.FlagSet, opts *[]session.Option) {
	usage := fmt.Sprintf("`names` of versions, best first (default %s)", session.DefaultVersions())
	flags.Func("versions", usage, func(names string) error {
		versions, err := session.ParseVersions(names)
		*opts = append(*opts, session.WithVersions(versions))
		return err
	})
}

// TrustFlags adds -insecure and -fingerprint.
func TrustFlags(flags *flag.FlagSet, opts *[]session.Option) {
	flags.BoolFunc("insecure", "accept any certificate", func(string) error {
		*opts = append(*opts, session.WithInsecure())
		return nil
	})
	flags.Func("fingerprint", "SHA-256 of the certificate to accept, in `hex`", func(text string) error {
		sum, err := hex.DecodeString(text)
		if err != nil || len(sum) != 32 {
			return errors.New("want 64 hex digits")
		}
		*opts = append(*opts, session.WithFingerprint([32]byte(sum)))
		return nil
	})
}
