package moqdec

import (
	"bytes"
	"time"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
)

// Limits of what waits for the version of a session.
const (
	maxWaiting      = 1 << 20
	maxWaitingEvent = 4096
)

// negotiation holds back a session until the SERVER_SETUP in it says which version it is.
type negotiation struct {
	s        *session
	fallback *dialect // when nothing says so, or nil
	events   []quicdec.Event
	bytes    int
	answers  map[uint64][]byte // what the server sent on each stream of the client
}

// newNegotiation is for a name that stands for versions which agree on one in messages. The messages are those of
// moq-lite-02, whatever comes out of them.
func newNegotiation(s *session, protocol string) *negotiation {
	n := &negotiation{s: s, answers: map[uint64][]byte{}}
	if protocol != "" {
		n.fallback = s.d.dialects.named("moq-lite-02")
	}
	return n
}

func (n *negotiation) track(uint64) string { return "" }

// take keeps an event, and lets the session go on when the version is known or will not be.
func (n *negotiation) take(e quicdec.Event) {
	e.Data = bytes.Clone(e.Data)
	n.events = append(n.events, e)
	n.bytes += len(e.Data)
	if e.Kind == quicdec.StreamData && e.Dir == quicdec.ServerToClient && e.Stream&3 == 0 {
		n.answers[e.Stream] = append(n.answers[e.Stream], e.Data...)
		if d, ok := n.chosen(n.answers[e.Stream]); ok {
			n.end(d, e.Time)
			return
		}
	}
	if e.Kind == quicdec.Ended || n.bytes > maxWaiting || len(n.events) > maxWaitingEvent {
		n.end(n.fallback, e.Time)
	}
}

// chosen reads the version in a SERVER_SETUP. ok is false while there is none.
func (n *negotiation) chosen(b []byte) (d *dialect, ok bool) {
	setup := n.s.d.dialects.named("moq-lite-02")
	if setup == nil {
		return nil, false
	}
	t, err := setup.Message("SERVER_SETUP", b)
	if err != nil || t.Err() != nil {
		return nil, false
	}
	code, _ := t.Root.Child("Version").Value.(uint64)
	if d = n.s.d.dialects.coded(code); d == nil {
		d = n.fallback
	}
	return d, true
}

// end picks the protocol of the session and gives it what was kept.
func (n *negotiation) end(d *dialect, at time.Time) {
	if d == nil {
		n.s.proto = newOpaque(n.s)
		n.s.emit(Event{Time: at, Name: "malformed", Problem: &Problem{What: "no SERVER_SETUP of a known version is in the capture" + listed}})
	} else {
		n.s.speak(d)
	}
	for _, e := range n.events {
		n.s.take(e)
	}
}
