package e2e

import (
	"errors"
	"io"
	"testing"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/test/internal/moqtest"
)

// brokenRequests are what a rogue can do with datagrams and fetches.
func brokenRequests() []attack {
	return []attack{
		{"datagrams for nobody", func(t *testing.T, r *room, p *rogue) {
			stray := join(varint(1<<40), varint(0), varint(0), make([]byte, 1000))
			for i := range 2000 {
				for _, b := range [][]byte{stray, {0x40}, {}} {
					if err := p.SendDatagram(b); err != nil {
						t.Fatal(err)
					}
				}
				if i%500 == 0 {
					r.goesOn(p.ctx, t)
				}
			}
		}},
		{"a flood of fetches", func(t *testing.T, r *room, p *rogue) {
			var open []transport.Stream
			for i := range uint64(500) {
				open = append(open, p.bidi(0x03, fetchOf(path, 1000+i)))
			}
			r.goesOn(p.ctx, t)
			for _, s := range open {
				if _, err := io.Copy(io.Discard, s); err == nil {
					t.Error("a group that nobody has was sent")
				}
			}
		}},
		{"a fetch of what is out of the root", func(_ *testing.T, _ *room, p *rogue) {
			p.wantReset(p.bidi(0x03, fetchOf("../"+path, 0)), model.CodeUnroutable)
		}},
		{"a fetch that is answered with 2^61 bytes", func(t *testing.T, r *room, p *rogue) {
			p.publish("rogue")
			consumer, _ := r.subscriber(p.ctx, t, way{p.version, webTransport})
			track, err := moqtest.Announced(p.ctx, t, consumer, "rogue").Track(name)
			if err != nil {
				t.Fatal(err)
			}
			group, err := track.FetchGroup(p.ctx, 0, 0)
			if err == nil { // the relay has passed the whole frame before it on
				defer group.Close()
				_, err = readAll(p.ctx, group)
			}
			if !errors.Is(err, model.ErrFrameTooLarge) {
				t.Errorf("the fetch ended with %v", err)
			}
		}},
	}
}

// fetchOf is the body of a FETCH message.
func fetchOf(broadcast string, group uint64) []byte {
	return body(text(broadcast), text(name), []byte{0}, varint(group))
}
