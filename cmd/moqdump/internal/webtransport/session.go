package webtransport

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
)

// session is a WebTransport session.
type session struct {
	info     Info
	answered bool
	closed   bool
	held     []quicdec.Event
	dropped  int
}

// give hands an event to a session, or keeps it until the session is known.
func (d *Demux) give(id uint64, e quicdec.Event) {
	s := d.session(id)
	switch {
	case s == nil:
		d.refused++
	case s.answered:
		d.sink.SessionEvent(id, e)
	case d.held+len(e.Data) > maxHeld || len(s.held) >= maxHeldNum:
		s.dropped++
	default:
		e.Data = bytes.Clone(e.Data)
		d.held += len(e.Data)
		s.held = append(s.held, e)
	}
}

// session is the session of a CONNECT stream, or nil when there are too many.
func (d *Demux) session(id uint64) *session {
	s := d.sessions[id]
	if s == nil && len(d.sessions) < maxSessions {
		s = &session{info: Info{ID: id}}
		d.sessions[id] = s
	}
	return s
}

// announce starts a session and gives out what waited for it.
func (d *Demux) announce(t time.Time, s *session) {
	if s.answered {
		return
	}
	s.answered = true
	d.sink.Session(t, s.info)
	for _, e := range s.held {
		d.held -= len(e.Data)
		d.sink.SessionEvent(s.info.ID, e)
	}
	if s.dropped > 0 {
		d.sink.Note(Note{Time: t, Stream: s.info.ID, Name: "SESSION", Problem: "too much came before the answer to the CONNECT; some of it is not decoded"})
	}
	s.held = nil
}

// end announces what never got an answer, and ends every session.
func (d *Demux) end(e quicdec.Event) {
	for _, id := range slices.Sorted(maps.Keys(d.sessions)) {
		s := d.sessions[id]
		if !s.answered {
			if s.info.Problem == "" {
				s.info.Problem = "the answer to the CONNECT is not in the capture"
			}
			d.announce(e.Time, s)
		}
		d.sink.SessionEvent(id, e)
	}
	if d.refused > 0 {
		d.sink.Note(Note{Time: e.Time, Name: "SESSION", Problem: fmt.Sprintf("%d events of more than %d sessions are not decoded", d.refused, maxSessions)})
	}
}
