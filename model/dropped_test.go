package model_test

import (
	"bytes"
	"log"
	"log/slog"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/model"
)

// warnings returns what f makes the default logger say.
func warnings(f func()) []string {
	var out bytes.Buffer
	old, writer, flags := slog.Default(), log.Writer(), log.Flags()
	defer log.SetFlags(flags)
	defer log.SetOutput(writer) // SetDefault changes it
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn})))
	defer slog.SetDefault(old)
	f()
	return strings.FieldsFunc(out.String(), func(r rune) bool { return r == '\n' })
}

func TestDroppingWarns(t *testing.T) {
	type ender interface {
		Abort(error)
		Finish() error
		Close() error
	}
	b := func() ender { return model.NewBroadcast(model.Route{}) }
	track := func() ender { return newTrack(t) }
	group := func() ender { return newGroup(t) }
	for name, c := range map[string]struct {
		make func() ender
		end  func(ender)
		want string
	}{
		"16.7/151 a track that was aborted":      {track, func(e ender) { e.Abort(nil) }, ""},
		"16.7/151 a track that is dropped":       {track, func(ender) {}, `level=WARN msg="moq: track closed without Finish or Abort" name=video`},
		"a track that was finished":              {track, func(e ender) { _ = e.Finish() }, ""},
		"a track with another producer":          {track, func(e ender) { e.(*model.TrackProducer).Clone() }, ""},
		"a track with a fetch handler":           {track, func(e ender) { e.(*model.TrackProducer).Dynamic() }, ""},
		"a group that was aborted":               {group, func(e ender) { e.Abort(nil) }, ""},
		"a group that is dropped":                {group, func(ender) {}, `level=WARN msg="moq: group closed without Finish or Abort" sequence=0`},
		"a group that was finished":              {group, func(e ender) { _ = e.Finish() }, ""},
		"a group whose frame was given up":       {group, func(e ender) { _ = must(e.(*model.GroupProducer).CreateFrame(model.FrameInfo{Size: 1})).Close() }, ""},
		"a broadcast, which takes nothing along": {b, func(ender) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := c.make()
			got := warnings(func() {
				c.end(e)
				wantNil(t, e.Close())
				wantNil(t, e.Close())
			})
			switch {
			case c.want == "" && len(got) > 0, c.want != "" && (len(got) != 1 || !strings.HasSuffix(got[0], c.want)):
				t.Errorf("logged %q, want %q once", got, c.want)
			}
		})
	}
	t.Run("a handler that outlives the producers of a track", func(t *testing.T) {
		p := newTrack(t)
		d := p.Dynamic()
		got := warnings(func() {
			wantNil(t, p.Close())
			wantNil(t, d.Close())
		})
		want(t, "warnings", len(got), 1)
	})
}
