package quic_test

import (
	"context"
	"testing"

	quicgo "github.com/quic-go/quic-go"

	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/quic"
	"github.com/moqrx/moqrx/session/transport/transporttest"
)

func TestUrgencies(t *testing.T) {
	transporttest.Urgencies(t, "moq-lite-05", func(_ context.Context, _ *testing.T, client, server *quicgo.Conn) (c, s transport.Conn) {
		return quic.New(client), quic.New(server)
	})
}
