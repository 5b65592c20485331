package model_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/model"
	"pgregory.net/rapid"
)

// However a frame is cut into writes and reads, the bytes are the same.
func TestFramePieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 3000).Draw(t, "data")
		// Sizes around the first allocation matter, not their content.
		data = append(data, make([]byte, rapid.SampledFrom([]int{0, 64<<10 - 1, 64 << 10, 200_000}).Draw(t, "more"))...)
		p := must(model.NewBroadcast(model.Route{}).CreateTrack("t", model.TrackInfo{}))
		g := must(p.AppendGroup())
		f := must(g.CreateFrame(model.FrameInfo{Size: uint64(len(data))}))
		c := must(g.Consume().NextFrame(bg))
		var got, chunks [][]byte
		for left := data; len(left) > 0; {
			n := rapid.IntRange(1, len(left)).Draw(t, "write")
			must(f.Write(left[:n]))
			left = left[n:]
			if rapid.Bool().Draw(t, "read") {
				b, ok, err := c.TryReadChunk()
				if !ok || err != nil {
					t.Fatalf("nothing to read after %d bytes: %v", n, err)
				}
				got, chunks = append(got, bytes.Clone(b)), append(chunks, b)
			}
		}
		if err := f.Finish(); err != nil {
			t.Fatal(err)
		}
		rest := must(c.ReadAll(bg))
		if !bytes.Equal(append(bytes.Join(got, nil), rest...), data) {
			t.Fatal("the pieces are not the frame")
		}
		for i := range chunks {
			if !bytes.Equal(chunks[i], got[i]) {
				t.Fatal("a piece changed after it was read")
			}
		}
		if whole := must(g.Consume().ReadFrame(bg)).Payload; !bytes.Equal(whole, data) {
			t.Fatal("the whole is not the frame")
		}
	})
}

func TestPathLaws(t *testing.T) {
	raw := rapid.StringOfN(rapid.SampledFrom([]rune("/ab")), 0, 20, -1)
	rapid.Check(t, func(t *rapid.T) {
		p, q := model.NewPath(raw.Draw(t, "p")), model.NewPath(raw.Draw(t, "q"))
		joined := p.Join(q)
		rest, ok := joined.StripPrefix(p)
		switch {
		case model.NewPath(p.String()) != p:
			t.Fatalf("%q is not in normal form", p)
		case model.NewPath(strings.Join(p.Parts(), "/")) != p:
			t.Fatalf("%q is not its parts", p)
		case !ok || rest != q || !joined.HasPrefix(p):
			t.Fatalf("%q and %q make %q, which leaves %q", p, q, joined, rest)
		case len(joined.Parts()) != len(p.Parts())+len(q.Parts()):
			t.Fatalf("%q has other parts than %q and %q", joined, p, q)
		}
	})
}
