// Relay is a server whose sessions share one origin: what one of them publishes, the others
// can subscribe to. The path of a session's URL is its root, so that two sessions on /room see
// each other's broadcasts under the same names, and a session on / sees them under room/.
//
//	relay -listen 127.0.0.1:4443
//
// It serves WebTransport (https://) and raw QUIC (moqt://) on one UDP port, and prints
// "listening ADDRESS" and "certificate sha256 HEX" when it is ready. What becomes of the
// sessions is logged on standard error. It runs until SIGINT or SIGTERM.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"log"
	"os"

	"github.com/moqrx/moqrx/examples/internal/cli"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

func main() { cli.Main("relay", run) }

func run(ctx context.Context, args []string) error {
	var opts []session.Option
	flags := flag.NewFlagSet("relay", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:4443", "`address` to listen on")
	cert := flags.String("cert", "", "PEM `file` with the certificate; without it, a self-signed one of 10 days for localhost")
	key := flags.String("key", "", "PEM `file` with the key of the certificate")
	capture := flags.String("capture", "", "pcapng `file` to record to, with the secrets that decrypt it")
	cli.VersionsFlag(flags, &opts)
	words, err := cli.Parse(flags, args)
	switch {
	case err != nil:
		return err
	case len(words) > 0:
		return cli.Usage("unexpected argument %q", words[0])
	case (*cert == "") != (*key == ""):
		return cli.Usage("-cert and -key go together")
	}

	if *cert != "" {
		pair, err := tls.LoadX509KeyPair(*cert, *key)
		if err != nil {
			return fmt.Errorf("certificate %s with key %s: %w", *cert, *key, err)
		}
		opts = append(opts, session.WithCertificate(pair))
	}
	if *capture != "" {
		file, err := os.Create(*capture)
		if err != nil {
			return err
		}
		defer file.Close()
		opts = append(opts, session.WithCapture(file))
	}
	listener, err := session.Listen(*listen, opts...)
	if err != nil {
		if *capture != "" {
			_ = os.Remove(*capture) // there will be nothing in it
		}
		return err
	}
	defer listener.Close() // ends the sessions and waits for them
	fmt.Printf("listening %s\ncertificate sha256 %x\n", listener.Addr(), listener.CertificateSHA256())
	return serve(ctx, listener)
}

// serve runs sessions until ctx ends: each sees the part of the origin below its path, and
// publishes there.
func serve(ctx context.Context, listener *session.Listener) error {
	origin := model.NewOrigin()
	defer origin.Close()
	return listener.Serve(ctx, func(_ context.Context, request *session.Request) (session.Grant, error) {
		who := fmt.Sprintf("%s on /%s (%s, %s)", request.RemoteAddr(), request.Path(), request.Transport(), request.Version())
		grant, err := session.GrantRoot(origin, request.Path())
		grant.Ended = func(_ *session.Session, err error) {
			if err != nil {
				log.Printf("session of %s: %v", who, err)
			} else {
				log.Printf("session of %s ended", who)
			}
		}
		return grant, err
	})
}
