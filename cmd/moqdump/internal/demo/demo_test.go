package demo

import (
	"errors"
	"io"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/render"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// Neither a reader nor a file that fails may hold up the sessions.
func TestAFailingOutputEndsTheDemoWithItsError(t *testing.T) {
	_, err := Run(t.Context(), render.NewText(full{}, false), nil, Options{For: 20 * time.Millisecond})
	if !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

func TestACaptureThatCannotBeKeptIsAnErrorAfterTheDemo(t *testing.T) {
	res, err := Run(t.Context(), render.NewText(io.Discard, false), nil, Options{For: 20 * time.Millisecond, Save: full{}})
	if !errors.Is(err, errFull) || res.Capture.Sessions != 4 {
		t.Errorf("%v, %d sessions", err, res.Capture.Sessions)
	}
}

func TestFramesArriveOverEveryTransport(t *testing.T) {
	res, err := Run(t.Context(), render.NewText(io.Discard, false), nil, Options{For: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range Transports {
		if res.Frames[tr.Name] != 1 {
			t.Errorf("%d frames over %s", res.Frames[tr.Name], tr.Name)
		}
	}
	if c := res.Capture; c.Sessions != 4 || c.Problems != 0 || len(c.Lines()) != 1 {
		t.Errorf("%+v", c.Lines())
	}
}
