// Moqdump decodes Media over QUIC from packet captures.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	code := cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	os.Exit(code)
}
