package hostile

import (
	"bytes"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/memory"
	"github.com/moqrx/moqrx/test/internal/moqtest"
)

func TestTenThousandStreamsOpenedAndLeft(t *testing.T) {
	forEachVersion(t, func(t *testing.T, h *host) {
		o := h.offender(memory.Config{})
		streams := h.many(10_000)
		before := runtime.NumGoroutine()
		var uni, bidi ended
		done := make(chan struct{}, 2)
		go func() {
			for range streams { // as fast as the limit on streams lets it
				uni.watch(o.rawUni([]byte{0x40})) // half a type
			}
			done <- struct{}{}
		}()
		go func() {
			for range streams {
				s := o.rawBidi([]byte{0x02}) // the type of a subscription, and nothing more
				bidi.watch(s)
				go func() { // else the stream would count for ever
					<-s.Context().Done()
					_, _ = s.Read(make([]byte, 1))
				}()
			}
			done <- struct{}{}
		}()
		for range 9 {
			time.Sleep(10*time.Second - time.Millisecond) // as many of each as may be are there, and silent
			h.goesOn()
			h.within(64 * mib)
		}
		<-done
		<-done
		time.Sleep(11 * time.Second)
		uni.want(t, "unidirectional", streams, model.CodeTimeout)
		bidi.want(t, "bidirectional", streams, model.CodeTimeout)
		o.alive()
		h.goesOn()
		h.within(4 * mib)
		if now := runtime.NumGoroutine(); now > before {
			t.Errorf("%d goroutines, before the attack %d", now, before)
		}
	})
}

// ended counts the streams that the server has stopped, by code.
type ended struct {
	streams []transport.SendStream
}

func (e *ended) watch(s transport.SendStream) { e.streams = append(e.streams, s) }

func (e *ended) want(t *testing.T, what string, n int, code model.Code) {
	t.Helper()
	if len(e.streams) != n {
		t.Errorf("%d %s streams, want %d", len(e.streams), what, n)
	}
	for _, s := range e.streams {
		wantStopped(t, s, code)
	}
}

func TestGarbageOnEveryStreamType(t *testing.T) {
	forEachVersion(t, func(t *testing.T, h *host) {
		o := h.offender(memory.Config{})
		for kind := range byte(0x10) {
			for range 20 {
				b := make([]byte, o.r.IntN(200)+1)
				for i := range b {
					b[i] = byte(o.r.Uint32())
				}
				b[0] = 0xc0 | b[0] // a length, or a field, of more than the stream has
				if kind != byte(lite.UniSetup) || h.v < session.MoqLite05 {
					s := o.rawUni(append([]byte{kind}, b...))
					_ = s.Close()
				}
				s := o.rawBidi(append([]byte{kind}, b...))
				_ = s.Close()
				go func() { _, _ = s.Read(make([]byte, 1)) }()
			}
			h.goesOn()
			o.alive()
		}
		time.Sleep(time.Minute)
		o.alive()
		h.goesOn()
		h.within(4 * mib)
	})
}

func TestSlowWriters(t *testing.T) {
	forEachVersion(t, func(t *testing.T, h *host) {
		o := h.offender(memory.Config{})
		id, reader := o.publishes("slow", "video")
		control := o.bidi(lite.BidiSubscribe)
		header := o.uni(lite.UniGroup)
		body := o.group(id, 0)
		_, err := body.Write(o.frame(100))
		moqtest.Must(t, err)
		message := o.encode(nil, &lite.Subscribe{ID: 1, Broadcast: "good", Track: "video"})
		long := bytes.Repeat([]byte{0x80}, 100)
		for second := range 100 { // one byte each
			if second < len(message) {
				_, _ = control.Write(message[second : second+1])
			}
			_, _ = header.Write(long[second : second+1])
			_, err := body.Write([]byte{byte(second)})
			moqtest.Must(t, err)
			h.goesOn()
			time.Sleep(time.Second)
		}
		wantStopped(t, control, model.CodeTimeout) // the first message has 10 s
		wantReset(t, control, model.CodeTimeout)
		<-header.Context().Done()
		moqtest.Must(t, body.Close()) // a group may take its time
		g, err := reader.RecvGroup(t.Context())
		moqtest.Must(t, err)
		defer g.Close()
		if f, err := g.ReadFrame(t.Context()); err != nil || len(f.Payload) != 100 {
			t.Errorf("the slow frame has %d bytes: %v", len(f.Payload), err)
		}
		o.alive()
		h.within(4 * mib)
	})
}

func TestSecondSetup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, session.MoqLite05)
		o := h.offender(memory.Config{})
		o.alive()
		o.setup()
		o.wantClosed(model.CodeProtocolViolation)
		h.goesOn()
		h.within(mib)
	})
}
