package lite

import (
	"context"
	"errors"
	"io"
	"sync"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
)

// intake is where the groups of one subscription come in.
type intake struct {
	ready  chan struct{} // closed when there is a track to put groups into
	scale  model.Timescale
	given  context.Context // ends when nobody wants the groups any more
	giveUp context.CancelCauseFunc
	moved  chan struct{} // poked when a group has started, and when one is over

	mu      sync.Mutex
	start   model.GroupBound // first group that will come, as the peer says
	end     model.GroupBound // first group that will never come, as the peer says
	settled spans            // groups that have started, and those that will not come, as the peer says
	flights int              // streams of groups that are coming in
}

func newIntake(ctx context.Context) intake {
	given, giveUp := context.WithCancelCause(ctx)
	return intake{ready: make(chan struct{}), given: given, giveUp: giveUp, moved: make(chan struct{}, 1)}
}

func (in *intake) startAt(sequence uint64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.start = model.At(sequence)
}

func (in *intake) endAt(sequence uint64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.end = model.At(sequence)
}

// skip notes that the groups from first to last will not come.
func (in *intake) skip(first, last uint64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if first <= last && last <= model.MaxSequence {
		in.settled.cover(first, last)
	}
}

func (in *intake) boundary() (uint64, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.end.Sequence, in.end.Set
}

// depart notes that a stream is for this subscription.
func (in *intake) depart() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.flights++
}

// arrive notes that a group has started.
func (in *intake) arrive(sequence uint64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.settled.add(sequence)
	in.poke()
}

// land notes that one of the streams is over.
func (in *intake) land() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.flights--
	in.poke()
}

func (in *intake) poke() {
	select {
	case in.moved <- struct{}{}:
	default:
	}
}

// quiet reports whether nothing is coming in.
func (in *intake) quiet() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.flights == 0
}

// complete reports whether every group between the announced start and end has started, or was said not to
// come.
func (in *intake) complete() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.end.Set && in.settled.has(in.start.Sequence, in.end.Sequence)
}

// receiveGroup takes one group stream of the peer whose header is m. The error is what the
// stream is stopped with.
func (c *subscriber) receiveGroup(ctx context.Context, r *reader, m *genlite.Group) (err error) {
	u := c.enter(m.Subscribe)
	if u == nil {
		return failure(model.CodeCancel, "no subscription %d", m.Subscribe)
	}
	defer u.land()
	// A group may overtake the answer that says the track is accepted.
	select {
	case <-u.ready:
	case <-u.given.Done():
		return model.ErrCancel
	}
	g, err := u.track.CreateGroup(m.Sequence)
	if err != nil {
		return err
	}
	defer g.Close()
	u.arrive(m.Sequence)
	u.counts.Group()
	c.recordGroup(theirs, u.id, m.Sequence)
	defer func() { c.recordGroupEnd(ctx, theirs, u.id, m.Sequence, err) }()
	s := r.stream // the reader may be gone before the function has run
	stop := context.AfterFunc(u.given, func() { s.Stop(uint64(model.CodeCancel)) })
	defer stop()

	f := u.frames(u.given, r, g, u.counts)
	defer f.budget.release()
	if err = f.rest(f.header()); err == nil {
		return g.Finish()
	}
	err = why(u.given, err)
	g.Abort(err)
	return err
}

// frames reads a group of the track. The stream is stopped at the end of given.
func (u *upstream) frames(given context.Context, r *reader, g *model.GroupProducer, counts stats.SubscriberTrack) frameReader {
	return frameReader{
		given: given, r: r, g: g, scale: u.scale, timestamps: u.c.dialect.timestamps,
		counts: counts, budget: u.c.budget(),
	}
}

// why is the cause of ctx when that has ended, and otherwise err.
func why(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return modelError(ctx, err)
}

// frameReader reads the frames of one group.
type frameReader struct {
	given      context.Context // whose end stops the stream
	r          *reader
	g          *model.GroupProducer
	scale      model.Timescale
	timestamps bool
	counts     stats.SubscriberTrack
	budget     *budget

	head genlite.FrameHeader
	time uint64 // of the previous frame
}

// rest reads from the first payload on, after a header that was read with err.
func (f *frameReader) rest(err error) error {
	for err == nil {
		if err = f.payload(); err == nil {
			err = f.header()
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// header reads the next header. io.EOF is the end of the group.
func (f *frameReader) header() error {
	err := f.r.parse(func(src []byte) (int, error) { return f.head.Parse(src, f.r.version) })
	switch {
	case errors.Is(err, errTruncated):
		return model.ErrWrongSize // the stream may end only between frames
	case err != nil:
		return err
	}
	f.counts.Frame()
	if !f.timestamps {
		return nil
	}
	const most = 1<<62 - 1
	f.time += uint64(f.head.TimestampDelta) // wraps around like the subtraction at the sender
	if f.time > most {
		return failure(model.CodeBoundsExceeded, "a timestamp outside 0 to 2^62-1")
	}
	return nil
}

// timestamp is unset where the version carries none: the model then takes the clock.
func (f *frameReader) timestamp() model.Timestamp {
	if !f.timestamps {
		return model.Timestamp{}
	}
	return model.Timestamp{Value: f.time, Scale: f.scale}
}

func (f *frameReader) payload() error {
	size := f.head.PayloadLength
	if here := f.r.unread(); uint64(len(here)) >= size {
		f.r.skip(int(size))
		if err := f.take(int(size)); err != nil {
			return err
		}
		return f.g.WriteFrame(model.Frame{Timestamp: f.timestamp(), Payload: here[:size]})
	}
	frame, err := f.g.CreateFrame(model.FrameInfo{Size: size, Timestamp: f.timestamp()})
	if err != nil {
		return err
	}
	defer frame.Close()
	for size > 0 {
		b, err := f.r.chunk(size)
		if errors.Is(err, io.EOF) {
			err = model.ErrWrongSize
		}
		if err == nil {
			err = f.take(len(b))
		}
		if err == nil {
			_, err = frame.Write(b)
		}
		if err != nil {
			frame.Abort(why(f.given, err))
			return err
		}
		size -= uint64(len(b))
	}
	return frame.Finish()
}

// take notes n more bytes of payload.
func (f *frameReader) take(n int) error {
	f.counts.Bytes(n)
	return f.budget.take(n)
}
