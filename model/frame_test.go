package model_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/moqrx/moqrx/model"
)

// newFrame returns a frame of the given size and its reader.
func newFrame(t *testing.T, size uint64) (*model.FrameProducer, *model.FrameConsumer) {
	t.Helper()
	g := newGroup(t)
	p := must(g.CreateFrame(model.FrameInfo{Size: size}))
	return p, must(g.Consume().NextFrame(bg))
}

func write(t *testing.T, p *model.FrameProducer, s string) {
	t.Helper()
	n, err := p.Write([]byte(s))
	wantNil(t, err)
	want(t, "written", n, len(s))
}

func TestFrame(t *testing.T) {
	t.Run("16.14/237 one write, read all", func(t *testing.T) {
		p, c := newFrame(t, 5)
		write(t, p, "hello")
		want(t, "payload", string(must(c.ReadAll(bg))), "hello")
		wantNil(t, p.Finish())
		wantNil(t, p.Finish())
	})
	t.Run("16.14/238 several writes, read all", func(t *testing.T) {
		p, c := newFrame(t, 10)
		write(t, p, "hello")
		write(t, p, "world")
		want(t, "payload", string(must(c.ReadAll(bg))), "helloworld")
	})
	t.Run("16.14/239 each read returns the new bytes", func(t *testing.T) {
		p, c := newFrame(t, 4)
		write(t, p, "ab")
		want(t, "first", string(must(c.ReadChunk(bg))), "ab")
		_, ok, err := c.TryReadChunk()
		want(t, "nothing new", ok, false)
		wantNil(t, err)
		write(t, p, "cd")
		want(t, "second", string(must(c.ReadChunk(bg))), "cd")
		_, err = c.ReadChunk(bg)
		wantErr(t, err, eof)
	})
	t.Run("16.14/240 finish wants every byte", func(t *testing.T) {
		p, _ := newFrame(t, 5)
		write(t, p, "hell")
		wantErr(t, p.Finish(), model.ErrWrongSize)
		write(t, p, "o")
		wantNil(t, p.Finish())
	})
	t.Run("16.14/241 a write that is too long writes nothing", func(t *testing.T) {
		p, c := newFrame(t, 3)
		n, err := p.Write([]byte("abcd"))
		want(t, "written", n, 0)
		wantErr(t, err, model.ErrWrongSize)
		write(t, p, "abc")
		want(t, "payload", string(must(c.ReadAll(bg))), "abc")
		_, err = p.Write([]byte("d"))
		wantErr(t, err, model.ErrWrongSize)
		p.Abort(model.ErrTimeout) // too late to matter
		want(t, "payload", string(must(c.Clone().ReadAll(bg))), "")
	})
	t.Run("16.14/242 readers get the abort after the bytes", func(t *testing.T) {
		p, c := newFrame(t, 5)
		write(t, p, "he")
		p.Abort(model.ErrTimeout)
		_, err := c.Clone().ReadAll(bg)
		wantErr(t, err, model.ErrTimeout)
		want(t, "bytes", string(must(c.ReadChunk(bg))), "he")
		_, err = c.ReadChunk(bg)
		wantErr(t, err, model.ErrTimeout)
		_, err = p.Write([]byte("llo"))
		wantErr(t, err, model.ErrTimeout)
		wantErr(t, p.Finish(), model.ErrTimeout)
		_, err = p.Write([]byte("too long"))
		wantErr(t, err, model.ErrWrongSize)
	})
	t.Run("16.14/243 an empty frame is complete when finished", func(t *testing.T) {
		p, c := newFrame(t, 0)
		_, ok, err := c.TryReadChunk()
		want(t, "ready", ok, false)
		wantNil(t, err)
		wantNil(t, p.Finish())
		want(t, "payload", len(must(c.ReadAll(bg))), 0)
		_, err = c.ReadChunk(bg)
		wantErr(t, err, eof)
	})
	t.Run("16.14/244 partial content is there at once", func(t *testing.T) {
		p, c := newFrame(t, 100)
		write(t, p, "part")
		want(t, "bytes", string(must(c.ReadChunk(bg))), "part")
	})
	t.Run("16.14/245 a clone starts where the original stands", func(t *testing.T) {
		p, c := newFrame(t, 4)
		write(t, p, "ab")
		_ = must(c.ReadChunk(bg))
		d := c.Clone()
		write(t, p, "cd")
		want(t, "clone", string(must(d.ReadAll(bg))), "cd")
		want(t, "original", string(must(c.ReadAll(bg))), "cd")
	})
	t.Run("dropped unfinished", func(t *testing.T) {
		p, c := newFrame(t, 5)
		wantNil(t, p.Close())
		wantNil(t, p.Close())
		_, err := c.ReadAll(bg)
		wantErr(t, err, model.ErrDropped)
	})
	t.Run("16.23/390 a declared size costs nothing before the bytes", func(t *testing.T) {
		track := newTrack(t)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 100 {
			g := must(track.AppendGroup())
			_ = must(must(g.CreateFrame(model.FrameInfo{Size: model.MaxFrameSize})).Write([]byte("x")))
		}
		runtime.ReadMemStats(&after)
		allocated := (after.TotalAlloc - before.TotalAlloc) / 100
		if allocated > 128<<10 {
			t.Errorf("%d bytes allocated for one byte of a 32 MiB frame", allocated)
		}
	})
}

func TestFrameIO(t *testing.T) {
	t.Run("io.Copy carries a large frame in pieces", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			src := make([]byte, 300_000)
			for i := range src {
				src[i] = byte(i * 7)
			}
			p, c := newFrame(t, uint64(len(src)))
			go func() {
				for len(src) > 0 {
					n := min(len(src), 1200)
					_, _ = p.Write(src[:n])
					src = src[n:]
				}
			}()
			got := must(io.ReadAll(c))
			want(t, "size", len(got), 300_000)
			for i := range got {
				if got[i] != byte(i*7) {
					t.Fatalf("byte %d differs", i)
				}
			}
		})
	})
	t.Run("a chunk stays what it was while the frame grows", func(t *testing.T) {
		p, c := newFrame(t, 200_000)
		write(t, p, "head")
		head := must(c.ReadChunk(bg))
		write(t, p, "tail")
		_ = append(head, "over"...) // a reader's append must not reach the frame
		want(t, "after it", string(must(c.ReadChunk(bg))), "tail")
		_ = must(p.Write(make([]byte, 199_992)))
		want(t, "head", string(head), "head")
	})
	t.Run("a blocked read ends with close and with its context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, c := newFrame(t, 5)
			read := later(func() {
				_, err := c.Read(make([]byte, 3))
				wantErr(t, err, model.ErrClosed)
			})
			want(t, "returned early", read(), false)
			wantNil(t, c.Close())
			want(t, "returned", read(), true)

			_, c = newFrame(t, 5)
			ctx, cancel := context.WithCancel(t.Context())
			read = later(func() {
				_, err := c.ReadAll(ctx)
				wantErr(t, err, context.Canceled)
			})
			cancel()
			want(t, "returned", read(), true)
		})
	})
	t.Run("waiting and trying misses nothing", func(t *testing.T) {
		p, c := newFrame(t, 2)
		wait := c.Wait()
		_, ok, _ := c.TryReadChunk()
		want(t, "ready", ok, false)
		write(t, p, "ab")
		<-wait
		b, ok, err := c.TryReadChunk()
		want(t, "ready", ok, true)
		want(t, "bytes", string(b), "ab")
		wantNil(t, err)
		<-c.Wait() // at its end
		n, err := c.Read(nil)
		want(t, "read nothing", n, 0)
		wantNil(t, err)
		want(t, "clone of a closed reader", func() bool {
			_ = c.Close()
			_, err := c.Clone().ReadAll(bg)
			return errors.Is(err, model.ErrClosed)
		}(), true)
	})
}
