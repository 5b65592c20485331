package transporttest

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/testutils/simnet"

	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/endpoint"
)

// Wrap makes carriers of the two ends of a QUIC connection.
type Wrap func(ctx context.Context, t *testing.T, client, server *quicgo.Conn) (c, s transport.Conn)

// Urgencies shows that streams share a path by their urgencies, in both directions, on carriers made by wrap of
// connections with the given ALPN. It runs in virtual time, over a path of 40 ms: what does not fit into the first
// congestion windows waits, and SetPriority tells who is next.
func Urgencies(t *testing.T, alpn string, wrap Wrap) {
	for _, name := range []string{"client sends", "server sends"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				client, server := Path(ctx, t, alpn)
				from, to := wrap(ctx, t, client, server)
				if name == "server sends" {
					from, to = to, from
				}
				urgencies(ctx, t, from, to)
				_ = from.CloseWithError(0, "")
				<-from.Closed()
				<-to.Closed()
			})
		})
	}
}

// Path connects two ends of QUIC over a path of 40 ms there and back, in a bubble of synctest.
func Path(ctx context.Context, t *testing.T, alpn string) (client, server *quicgo.Conn) {
	t.Helper()
	network := &simnet.Simnet{Router: &simnet.PerfectRouter{}}
	end := func(last byte) *quicgo.Transport {
		address := &net.UDPAddr{IP: net.IPv4(192, 0, 2, last), Port: 443}
		return &quicgo.Transport{Conn: network.NewEndpoint(address, simnet.NodeBiDiLinkSettings{Latency: 20 * time.Millisecond})}
	}
	here, there := end(1), end(2)
	if err := network.Start(); err != nil {
		t.Fatal(err)
	}
	cert, err := endpoint.SelfSignedCertificate()
	if err != nil {
		t.Fatal(err)
	}
	config := &quicgo.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true}
	l, err := there.Listen(&tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{alpn}}, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = l.Close()
		for _, end := range []*quicgo.Transport{here, there} {
			_ = end.Close()
			_ = end.Conn.Close()
		}
		_ = network.Close()
	})
	client, err = here.Dial(ctx, there.Conn.LocalAddr(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{alpn}}, config)
	if err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(ctx); err != nil {
		t.Fatal(err)
	}
	return client, server
}

// urgencies writes streams in the wrong order, and expects them in that of their urgencies.
func urgencies(ctx context.Context, t *testing.T, from, to transport.Conn) {
	t.Helper()
	ended := map[byte]time.Time{}
	names := make(chan byte)
	streams := []struct {
		name   byte
		before uint8 // the urgency until all is written
		after  uint8
	}{
		{'l', transport.UrgencyLast, transport.UrgencyLast},
		{'d', transport.UrgencyDefault, transport.UrgencyDefault},
		{'r', transport.UrgencyLast, transport.UrgencyDefault - 1}, // raised in flight
		{'c', transport.UrgencyControl, transport.UrgencyControl},
	}
	for _, s := range streams {
		out, err := from.OpenUni(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if s.before != transport.UrgencyDefault {
			out.SetPriority(s.before, false)
		}
		go func() {
			_, _ = io.WriteString(out, strings.Repeat(string(s.name), 150_000))
			_ = out.Close()
		}()
		synctest.Wait() // it is under way as far as it gets
		out.SetPriority(s.after, false)
	}
	for range streams {
		in, err := to.AcceptUni(ctx)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			b, err := io.ReadAll(in)
			if err != nil || len(b) != 150_000 {
				t.Errorf("%d bytes: %v", len(b), err)
				b = []byte{0}
			}
			names <- b[0]
		}()
	}
	var order []byte
	for range streams {
		name := <-names
		ended[name] = time.Now()
		order = append(order, name)
	}
	if !slices.Equal(order, []byte("crdl")) || !ended['c'].Before(ended['r']) || !ended['r'].Before(ended['d']) || !ended['d'].Before(ended['l']) {
		t.Errorf("the streams end in the order %q, want control, raised, default, last: %v", order, ended)
	}
}
