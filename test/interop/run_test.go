package interop

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

const (
	// runTimeout bounds one run, which takes about two seconds.
	runTimeout = 60 * time.Second
	// reapTime is how long the processes of a run may take to end.
	reapTime = 15 * time.Second
)

// A run drives one publisher and several subscribers through a plan and compares all that
// arrives. Only the goroutine of the test touches it; peers hand their events to it.
type run struct {
	t           *testing.T
	ctx         context.Context
	cancel      context.CancelFunc
	version     string
	events      chan envelope
	publisher   *end
	subscribers []*end
}

// An end is one peer and what it told so far.
type end struct {
	name   string
	plan   plan
	peer   peer
	told   map[string]int    // number of events by kind
	active bool              // the last announcement
	frames map[frameID]event // every frame
	groups map[groupID]int   // frames of every group that ended
	ended  map[string]bool   // tracks that ended
}

type groupID struct {
	track string
	group uint64
}

type frameID struct {
	groupID
	index int
}

type envelope struct {
	from *end
	event
}

func newRun(t *testing.T, version string) *run {
	end := time.Now().Add(runTimeout)
	// Before the whole test binary is killed, which would leave the processes behind.
	if last, ok := t.Deadline(); ok && end.After(last.Add(-reapTime)) {
		end = last.Add(-reapTime)
	}
	ctx, cancel := context.WithDeadline(t.Context(), end)
	t.Cleanup(cancel)
	return &run{t: t, ctx: ctx, cancel: cancel, version: version, events: make(chan envelope)}
}

// start starts a peer and waits until it is connected, in the version of the run.
func (r *run) start(name string, start starter, p plan) *end {
	r.t.Helper()
	e := &end{
		name: name, plan: p, told: map[string]int{}, frames: map[frameID]event{},
		groups: map[groupID]int{}, ended: map[string]bool{},
	}
	e.peer = start(r.ctx, r.t, p, func(ev event) {
		select {
		case r.events <- envelope{e, ev}:
		case <-r.ctx.Done():
		}
	})
	r.t.Cleanup(r.cancel) // before the cleanup of the peer, which waits for its end
	r.until(name+" is connected", func() bool { return e.told[eventReady] > 0 })
	return e
}

func (r *run) command(e *end, word string) {
	r.t.Helper()
	if err := e.peer.command(word); err != nil {
		r.t.Fatalf("%s: command %s: %v", e.name, word, err)
	}
}

// until takes events until a condition holds.
func (r *run) until(what string, done func() bool) {
	r.t.Helper()
	for !done() {
		select {
		case ev := <-r.events:
			if err := r.take(ev.from, ev.event); err != nil {
				r.t.Fatalf("%s: %v (while waiting until %s)", ev.from.name, err, what)
			}
		case <-r.ctx.Done():
			r.t.Fatalf("timeout while waiting until %s; so far: %s", what, r.progress())
		}
	}
}

// all waits until a condition holds for every subscriber.
func (r *run) all(what string, done func(*end) bool) {
	r.t.Helper()
	r.until(what, func() bool {
		return !slices.ContainsFunc(r.subscribers, func(e *end) bool { return !done(e) })
	})
}

func (r *run) progress() string {
	text := ""
	for _, e := range append([]*end{r.publisher}, r.subscribers...) {
		if e != nil {
			text += fmt.Sprintf("\n%s: %v", e.name, e.told)
		}
	}
	return text
}

// take notes an event, and fails when it is not what was published.
func (r *run) take(e *end, ev event) error {
	e.told[ev.Event]++
	switch ev.Event {
	case eventReady:
		if ev.Version != r.version {
			return fmt.Errorf("negotiated %q, want %q", ev.Version, r.version)
		}
	case eventAnnounce:
		e.active = ev.Active
	case eventFrame:
		return r.takeFrame(e, ev)
	case eventGroup:
		return takeGroup(e, ev)
	case eventEnd:
		if e.ended[ev.Track] {
			return fmt.Errorf("track %s ended twice", ev.Track)
		}
		e.ended[ev.Track] = true
	case eventError:
		return fmt.Errorf("%s", ev.Message)
	case eventExit:
		if ev.Message != "" {
			return fmt.Errorf("ended: %s", ev.Message)
		}
	}
	return nil
}

func (r *run) takeFrame(e *end, ev event) error {
	id := frameID{groupID{ev.Track, ev.Group}, ev.Index}
	track, known := e.plan.track(ev.Track)
	sizes, published := track.sizes(ev.Group)
	if !known || !published || ev.Index >= len(sizes) {
		return fmt.Errorf("frame %v was never published", id)
	}
	if _, twice := e.frames[id]; twice {
		return fmt.Errorf("frame %v came twice", id)
	}
	e.frames[id] = ev
	if want := sizes[ev.Index]; ev.Size != want {
		return fmt.Errorf("frame %v has %d bytes, want %d", id, ev.Size, want)
	}
	if want := digest(payload(ev.Track, ev.Group, ev.Index, ev.Size)); ev.SHA256 != want {
		return fmt.Errorf("frame %v has payload %s, want %s", id, ev.SHA256, want)
	}
	// Below moq-lite-05 a frame carries no time, so receivers use their own clock.
	if want := timestamp(ev.Group, ev.Index); r.version >= "moq-lite-05" &&
		(ev.Timestamp != float64(want) || ev.Timescale != track.Timescale) {
		return fmt.Errorf("frame %v is at %v/%d, want %d/%d", id, ev.Timestamp, ev.Timescale, want, track.Timescale)
	}
	return nil
}

func takeGroup(e *end, ev event) error {
	id := groupID{ev.Track, ev.Group}
	if _, twice := e.groups[id]; twice {
		return fmt.Errorf("group %v came twice", id)
	}
	e.groups[id] = ev.Frames
	track, _ := e.plan.track(ev.Track)
	if sizes, _ := track.sizes(ev.Group); ev.Frames != len(sizes) {
		return fmt.Errorf("group %v ended after %d frames, want %d", id, ev.Frames, len(sizes))
	}
	return nil
}

// groupsDone is true when a subscriber has the groups up to a sequence of every track.
func (e *end) groupsDone(last func(trackPlan) int) bool {
	for _, track := range e.plan.Tracks {
		for group := range uint64(last(track)) + 1 {
			if _, ok := e.groups[groupID{track.Name, group}]; !ok {
				return false
			}
		}
	}
	return true
}
