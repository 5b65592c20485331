package moqdec_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/moqrx/moqrx/cmd/internal/sample"
	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
	"github.com/moqrx/moqrx/gen/moqt"
)

// act does what a session of package sample does, perhaps a byte at a time.
func (s *script) act(step sample.Step, split bool) {
	dir := up
	if step.FromServer {
		dir = down
	}
	switch {
	case step.Datagram:
		s.event(quicdec.Event{Kind: quicdec.Datagram, Dir: dir, Data: step.Data})
		return
	case step.Reset:
		s.event(quicdec.Event{Kind: quicdec.StreamReset, Dir: dir, Stream: step.Stream, Offset: s.off[key(dir, step.Stream)], Code: step.Code})
		return
	case !split:
		s.send(dir, step.Stream, step.Data, step.Fin)
		return
	}
	at := s.at
	for _, c := range step.Data {
		s.at = at
		s.send(dir, step.Stream, []byte{c}, false)
	}
	if s.at = at; step.Fin {
		s.fin(dir, step.Stream)
	}
	s.at = at.Add(time.Millisecond)
}

func transportSession(t *testing.T, v moqt.Version, split bool) string {
	t.Helper()
	steps, err := sample.Transport(v)
	if err != nil {
		t.Fatal(err)
	}
	s := newScript(sample.ALPN(v))
	for _, step := range steps {
		s.act(step, split)
	}
	s.event(quicdec.Event{Kind: quicdec.Closed, Dir: down, Code: 3, App: true})
	return s.end()
}

func TestDecodesSessionsOfMoqTransport(t *testing.T) {
	for _, v := range sample.Versions {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			whole := transportSession(t, v, false)
			golden(t, fmt.Sprintf("transport-%d", int(v)), whole)
			if strings.Contains(whole, "!") || strings.Contains(whole, "secret") {
				t.Error("an error, or a token, is shown")
			}
			if diff := cmp.Diff(whole, transportSession(t, v, true)); diff != "" {
				t.Errorf("byte by byte it differs: %s", diff)
			}
			for _, line := range []string{
				"FETCH_OBJECT     room/alice:video  group=3 subgroup=1 object=4 priority=5 bytes=3",
				"FETCH_OBJECT     room/alice:video  group=3 subgroup=2 object=5 priority=5 bytes=1",
				"FETCH_OBJECT     room/alice:video  group=2 subgroup=2 object=7 priority=5 bytes=3",
				"SUBGROUP_OBJECT  room/alice:video  group=10 subgroup=5 object=8 bytes=5000",
				"OBJECT_DATAGRAM    room/alice:video  ",
			} {
				if !strings.Contains(whole, line) {
					t.Errorf("there is no line %q", line)
				}
			}
		})
	}
}
