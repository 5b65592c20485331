package session

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/internal/lite"
	"github.com/moqrx/moqrx/session/transport"
)

// agreed is the version of a session, and how the two sides came by it.
type agreed struct {
	version  Version
	exchange *lite.Exchange // nil where the transport negotiated the version
}

// offer agrees on a version as the client.
func (o *options) offer(ctx context.Context, conn transport.Conn) (agreed, error) {
	token := conn.Protocol()
	version, err := o.versions.negotiated(token)
	switch {
	case err != nil && token == "":
		return agreed{}, lastWords(ctx, conn, nothingInCommon("", o.versions.String()))
	case err != nil:
		return agreed{}, err
	case o.path != "" && !carriesPath(version):
		named := version.String()
		if version == 0 {
			named = o.versions.bySetup().String()
		}
		return agreed{}, pathError(named, o.path)
	case version != 0:
		return agreed{version: version}, nil
	}
	own := o.versions.bySetup()
	exchange, chosen, err := lite.Offer(ctx, conn, own.codes(), lite.Limits(o.limits))
	if err != nil {
		return agreed{}, refusedExchange(ctx, conn, err, own)
	}
	for _, v := range own {
		if uint64(v) == chosen {
			return agreed{v, exchange}, nil
		}
	}
	return agreed{}, versionError("the server chose %s, the client offered %s", named(chosen), own)
}

// refusedExchange explains why there is no answer of the server. One that closes the connection, or does
// not know the exchange, may end the stream first.
func refusedExchange(ctx context.Context, conn transport.Conn, err error, own Versions) error {
	var refusal *model.Error
	if errors.As(err, &refusal) && refusal.Remote {
		return lastWords(ctx, conn, versionError(
			"no common version: the transport negotiated none, and the server refused to agree on one of %s by SETUP", own))
	}
	return ended(err)
}

// answer agrees on a version as the server. A client that has offered some by SETUP does not know yet.
func (o *options) answer(ctx context.Context, conn transport.Conn) (agreed, error) {
	version, err := o.versions.negotiated(conn.Protocol())
	switch {
	case err != nil && conn.Protocol() == "":
		return agreed{}, nothingInCommon(o.versions.String(), o.offered)
	case err != nil, version != 0:
		return agreed{version: version}, err
	}
	exchange, err := lite.AwaitOffer(ctx, conn, lite.Limits(o.limits))
	if err != nil {
		return agreed{}, ended(err)
	}
	chosen, ok := exchange.Choose(o.versions.bySetup().codes())
	if !ok {
		offers := make(Versions, 0, len(exchange.Offered))
		for _, code := range exchange.Offered {
			offers = append(offers, named(code))
		}
		return agreed{}, nothingInCommon(o.versions.String(), offers.String()+" by SETUP")
	}
	return agreed{Version(chosen), exchange}, nil
}

// named is a version of a peer, whose codes may be anything.
func named(code uint64) Version {
	if code > 1<<32-1 {
		return 1<<32 - 1
	}
	return Version(code)
}

// nothingInCommon says which versions the two sides have, as far as that is known.
func nothingInCommon(server, client string) *Error {
	speaks, offers := "speaks "+server, "offers "+client
	if server == "" {
		speaks = "chose none"
	}
	if client == "" {
		offers = "offers none of them"
	}
	return versionError("no common version: the server %s, the client %s", speaks, offers)
}

// patience is how long a client waits for the server to say why there is no session. Some say nothing.
const patience = 500 * time.Millisecond

// lastWords is how the server refuses the session, or else what this side says about it.
func lastWords(ctx context.Context, conn transport.Conn, own *Error) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-conn.Context().Done():
		if err := ended(context.Cause(conn.Context())); !errors.Is(err, io.EOF) {
			return err
		}
	case <-timer.C:
	case <-ctx.Done():
	}
	return own
}

// carriesPath reports whether SETUP of the version has a path that servers look at.
func carriesPath(v Version) bool { return v >= MoqLite05 }
