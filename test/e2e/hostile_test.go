package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/test/internal/moqtest"
)

// A room is a relay with a well-behaved publisher and subscriber, which have to go on
// whatever others do.
type room struct {
	*relay
	track    *model.TrackProducer
	received *model.TrackConsumer
	groups   uint64
}

func newRoom(ctx context.Context, t *testing.T, w way) *room {
	t.Helper()
	r := &room{relay: startRelay(t)}
	origin, _ := r.publisher(ctx, t, w)
	_, r.track = createTrack(t, origin, path, name, kept)
	consumer, _ := r.subscriber(ctx, t, w)
	r.received = moqtest.Subscribe(ctx, t, consumer, path, name, fromStart)
	r.goesOn(ctx, t)
	return r
}

// goesOn sends a group through the relay.
func (r *room) goesOn(ctx context.Context, t *testing.T) {
	t.Helper()
	text := fmt.Sprintf("group %d", r.groups)
	writeGroup(t, r.track, text)
	wantGroup(ctx, t, r.received, r.groups, text)
	r.groups++
}

// An attack is something that a rogue does, and what it must get for it.
type attack struct {
	name string
	run  func(t *testing.T, r *room, p *rogue)
}

func TestHostilePeerHarmsOnlyItself(t *testing.T) {
	attacks := slices.Concat(brokenStreams(), brokenGroups(), brokenRequests(), brokenSessions())
	for _, scheme := range []string{webTransport, rawQUIC} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			w := way{session.MoqLite05, scheme}
			r := newRoom(ctx, t, w)
			for _, a := range attacks {
				t.Run(a.name, func(t *testing.T) {
					ctx := testContext(t)
					p := r.rogue(ctx, t, w)
					a.run(t, r, p)
					r.goesOn(ctx, t)
				})
			}
		})
	}
}

func brokenStreams() []attack {
	garbage := bytes.Repeat([]byte{0xa5, 0xff, 0x00, 0x3c}, 64)
	long := subscribeTo(0, path, name)
	long[0]++ // the length says one byte more than the fields have
	return []attack{
		{"garbage on a unidirectional stream", func(_ *testing.T, _ *room, p *rogue) {
			p.wantStopped(p.uni(0x3e, garbage), model.CodeUnexpectedStream)
		}},
		{"garbage on a bidirectional stream", func(_ *testing.T, _ *room, p *rogue) {
			s := p.bidi(0x3e, garbage)
			p.wantStopped(s, model.CodeUnexpectedStream)
			p.wantReset(s, model.CodeUnexpectedStream)
		}},
		{"a stream type of other versions", func(_ *testing.T, _ *room, p *rogue) {
			p.wantReset(p.bidi(0x00), model.CodeUnexpectedStream)
		}},
		{"a message with more than its fields", func(_ *testing.T, _ *room, p *rogue) {
			p.wantReset(p.bidi(0x02, long, []byte{0}), model.CodeDecode)
		}},
		{"a message that ends early", func(t *testing.T, _ *room, p *rogue) {
			s := p.bidi(0x02, subscribeTo(0, path, name)[:9])
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			p.wantReset(s, model.CodeDecode)
		}},
		{"a message of 2^61 bytes", func(_ *testing.T, _ *room, p *rogue) {
			p.wantReset(p.bidi(0x02, varint(1<<61)), model.CodeDecode)
		}},
		{"a subscription to nothing", func(_ *testing.T, _ *room, p *rogue) {
			p.wantReset(p.bidi(0x02, subscribeTo(0, "no/such/room", name)), model.CodeUnroutable)
		}},
		{"a subscription to no track", func(_ *testing.T, _ *room, p *rogue) {
			p.wantReset(p.bidi(0x02, subscribeTo(0, path, "no such track")), model.CodeNotFound)
		}},
		{"streams that stay silent", func(t *testing.T, r *room, p *rogue) {
			for range 20 {
				p.uni(0x00)  // the type of a group, and nothing more
				p.bidi(0x02) // the type of a subscription
			}
			r.goesOn(p.ctx, t)
		}},
	}
}

func brokenGroups() []attack {
	return []attack{
		{"a group that nobody asked for", func(_ *testing.T, _ *room, p *rogue) {
			p.wantStopped(p.uni(0x00, body(varint(5), varint(0))), model.CodeCancel)
		}},
		{"a group that ends in mid-frame", func(t *testing.T, r *room, p *rogue) {
			s, group := p.brokenGroup(t, r, 100, make([]byte, 40))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			wantFailedFrame(p.ctx, t, group, model.ErrWrongSize)
		}},
		{"a group that is reset in mid-frame", func(t *testing.T, r *room, p *rogue) {
			s, group := p.brokenGroup(t, r, 100, make([]byte, 40))
			s.Reset(uint64(model.CodeOld))
			wantFailedFrame(p.ctx, t, group, model.ErrOld)
		}},
		{"a connection that ends in mid-frame", func(t *testing.T, r *room, p *rogue) {
			_, group := p.brokenGroup(t, r, 100, make([]byte, 40))
			if err := p.CloseWithError(0, ""); err != nil {
				t.Fatal(err)
			}
			if _, err := readAll(p.ctx, group); err == nil || p.ctx.Err() != nil {
				t.Errorf("the frame ended with %v", err)
			}
		}},
		{"a frame of 2^61 bytes", func(t *testing.T, r *room, p *rogue) {
			s, group := p.brokenGroup(t, r, 1<<61, nil)
			p.wantStopped(s, model.CodeFrameTooLarge)
			wantFailedFrame(p.ctx, t, group, model.ErrFrameTooLarge)
		}},
	}
}

func brokenSessions() []attack {
	return []attack{
		{"a close in mid-message", func(t *testing.T, _ *room, p *rogue) {
			p.bidi(0x02, subscribeTo(0, path, name)[:5])
			if err := p.CloseWithError(uint64(model.CodeProtocolViolation), "enough"); err != nil {
				t.Fatal(err)
			}
		}},
		{"a silent session", func(*testing.T, *room, *rogue) {}},
		{"datagrams of garbage on the port", func(t *testing.T, r *room, _ *rogue) {
			c, err := net.Dial("udp", r.address())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			for i := range 100 {
				if _, err := c.Write(bytes.Repeat([]byte{byte(i) | 0xc0}, 12*i+1)); err != nil {
					t.Fatal(err)
				}
			}
		}},
	}
}

// brokenGroup publishes a track through the relay and sends a group with one whole frame and the
// start of another one. It returns the stream and the group as a subscriber has it.
func (p *rogue) brokenGroup(t *testing.T, r *room, size uint64, start []byte) (transport.SendStream, *model.GroupConsumer) {
	t.Helper()
	ids := p.publish("rogue")
	consumer, _ := r.subscriber(p.ctx, t, way{p.version, webTransport})
	track := moqtest.Subscribe(p.ctx, t, consumer, "rogue", name, model.Subscription{})
	var id uint64
	select {
	case id = <-ids:
	case <-p.ctx.Done():
		t.Fatal("the relay does not subscribe")
	}
	s := p.uni(0x00, body(varint(id), varint(7)), p.frame(5, []byte("whole")))
	group, err := track.RecvGroup(p.ctx)
	if err != nil {
		t.Fatalf("group: %v", err)
	}
	moqtest.CloseAtEnd(t, group)
	frame, err := group.ReadFrame(p.ctx)
	if err != nil || string(frame.Payload) != "whole" {
		t.Fatalf("the whole frame is %q with error %v", frame.Payload, err)
	}
	p.write(s, p.frame(size, start))
	return s, group
}

// wantFailedFrame reads on, and wants the group to fail with the code of an error.
func wantFailedFrame(ctx context.Context, t *testing.T, group *model.GroupConsumer, want *model.Error) {
	t.Helper()
	if n, err := readAll(ctx, group); !errors.Is(err, want) {
		t.Errorf("after %d frames: %v, want %v", n, err, want)
	}
}

func readAll(ctx context.Context, group *model.GroupConsumer) (frames int, err error) {
	for {
		if _, err := group.ReadFrame(ctx); errors.Is(err, io.EOF) {
			return frames, nil
		} else if err != nil {
			return frames, err
		}
		frames++
	}
}

// subscribeTo is the body of a SUBSCRIBE message.
func subscribeTo(id uint64, broadcast, track string) []byte {
	return body(varint(id), text(broadcast), text(track), []byte{0, 0}, varint(0), varint(0), varint(0))
}

// TestDuplicateAnnouncementEndsTheSession is a violation below moq-lite-05, where the second
// announcement of a path has no meaning.
func TestDuplicateAnnouncementEndsTheSession(t *testing.T) {
	for _, w := range []way{{session.MoqLite03, webTransport}, {session.MoqLite04, rawQUIC}} {
		t.Run(w.version.String(), func(t *testing.T) {
			ctx := testContext(t)
			r := newRoom(ctx, t, w)
			p := r.rogue(ctx, t, w)
			s, err := p.AcceptBidi(ctx)
			if err != nil {
				t.Fatal(err)
			}
			p.write(s, join(p.announcements("twice"), p.announcements("twice")))
			p.wantClosed(model.CodeDuplicate)
			r.goesOn(ctx, t)
		})
	}
}
