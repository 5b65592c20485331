package model_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/moqrx/moqrx/model"
)

// readerFunc is an io.Reader.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestFrameReadFrom(t *testing.T) {
	t.Run("a frame is filled up to its size, and the rest is left", func(t *testing.T) {
		src := make([]byte, 300_000)
		for i := range src {
			src[i] = byte(i * 7)
		}
		r := io.MultiReader(iotest.HalfReader(bytes.NewReader(src)), strings.NewReader("next"))
		p, c := newFrame(t, uint64(len(src)))
		want(t, "remaining", p.Remaining(), 300_000)
		want(t, "group", p.Group(), 0)
		n := must(p.ReadFrom(r))
		want(t, "read", n, 300_000)
		want(t, "remaining", p.Remaining(), 0)
		wantNil(t, p.Finish())
		want(t, "the frame", bytes.Equal(must(c.ReadAll(bg)), src), true)
		want(t, "the rest", string(must(io.ReadAll(r))), "next")
		want(t, "read into a full frame", must(p.ReadFrom(strings.NewReader("x"))), 0)
	})
	t.Run("readers see each piece", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, c := newFrame(t, 4)
			r, w := io.Pipe()
			filled := later(func() { _ = must(io.Copy(p, r)) })
			for _, s := range []string{"ab", "cd"} {
				_ = must(io.WriteString(w, s))
				synctest.Wait()
				want(t, "piece", string(must(c.ReadChunk(bg))), s)
			}
			want(t, "returned", filled(), true)
		})
	})
	t.Run("memory follows what arrived", func(t *testing.T) {
		p, _ := newFrame(t, model.MaxFrameSize)
		most := 0
		_, err := p.ReadFrom(readerFunc(func(b []byte) (int, error) {
			most = max(most, len(b))
			return 1, io.EOF
		}))
		wantNil(t, err)
		if most > 64<<10 {
			t.Errorf("room for %d bytes before the first one", most)
		}
	})
	t.Run("a source that ends early leaves the frame open", func(t *testing.T) {
		p, c := newFrame(t, 5)
		want(t, "read", must(p.ReadFrom(strings.NewReader("abc"))), 3)
		wantErr(t, p.Finish(), model.ErrWrongSize)
		failure := errors.New("cut")
		n, err := p.ReadFrom(iotest.ErrReader(failure))
		want(t, "read", n, 0)
		wantErr(t, err, failure)
		write(t, p, "de")
		want(t, "payload", string(must(c.ReadAll(bg))), "abcde")
	})
	t.Run("16.14/246 a source that claims more than there is room for is an error", func(t *testing.T) {
		for _, n := range []int{-1, 6} {
			p, c := newFrame(t, 5)
			_, err := p.ReadFrom(readerFunc(func([]byte) (int, error) { return n, nil }))
			wantErr(t, err, model.ErrBoundsExceeded)
			want(t, "remaining", p.Remaining(), 5)
			write(t, p, "abcde")
			want(t, "payload", string(must(c.ReadAll(bg))), "abcde")
		}
	})
	t.Run("a source of nothing is given up", func(t *testing.T) {
		p, _ := newFrame(t, 5)
		_, err := p.ReadFrom(readerFunc(func([]byte) (int, error) { return 0, nil }))
		wantErr(t, err, io.ErrNoProgress)
	})
	t.Run("nobody else writes meanwhile, but anybody may give up", func(t *testing.T) {
		p, c := newFrame(t, 5)
		n, err := p.ReadFrom(readerFunc(func(b []byte) (int, error) {
			_, err := p.Write([]byte("x"))
			wantErr(t, err, model.ErrProtocolViolation)
			_, err = p.ReadFrom(strings.NewReader("x"))
			wantErr(t, err, model.ErrProtocolViolation)
			p.Abort(model.ErrTimeout)
			return copy(b, "ab"), nil
		}))
		want(t, "read", n, 2)
		wantErr(t, err, model.ErrTimeout)
		_, err = c.ReadChunk(bg)
		wantErr(t, err, model.ErrTimeout)
		_, err = p.ReadFrom(strings.NewReader("x"))
		wantErr(t, err, model.ErrTimeout)
	})
}
