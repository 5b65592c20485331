package stats

import (
	"context"
	"iter"

	"github.com/moqrx/moqrx/model"
)

// TrackReader reads a track for a peer and counts what it hands out: groups, frames and
// bytes, each once, whichever way they are read. Its methods are those of
// [model.TrackConsumer]; Track is the way to the others. Copies are the same reader.
type TrackReader struct {
	track *model.TrackConsumer
	guard PublisherTrack
}

// NewTrackReader returns a reader of t that counts with g. Both stay the caller's to close.
func NewTrackReader(t *model.TrackConsumer, g PublisherTrack) TrackReader { return TrackReader{t, g} }

// Track returns what is read. What is read past the TrackReader is not counted.
func (r TrackReader) Track() *model.TrackConsumer { return r.track }

// RecvGroup is [model.TrackConsumer.RecvGroup].
func (r TrackReader) RecvGroup(ctx context.Context) (GroupReader, error) {
	g, err := r.track.RecvGroup(ctx)
	return r.group(g, err == nil), err
}

// TryRecvGroup is [model.TrackConsumer.TryRecvGroup].
func (r TrackReader) TryRecvGroup() (GroupReader, bool, error) {
	g, ok, err := r.track.TryRecvGroup()
	return r.group(g, ok), ok, err
}

// NextGroup is [model.TrackConsumer.NextGroup].
func (r TrackReader) NextGroup(ctx context.Context) (GroupReader, error) {
	g, err := r.track.NextGroup(ctx)
	return r.group(g, err == nil), err
}

// TryNextGroup is [model.TrackConsumer.TryNextGroup].
func (r TrackReader) TryNextGroup() (GroupReader, bool, error) {
	g, ok, err := r.track.TryNextGroup()
	return r.group(g, ok), ok, err
}

// GetGroup is [model.TrackConsumer.GetGroup].
func (r TrackReader) GetGroup(ctx context.Context, seq uint64) (GroupReader, error) {
	g, err := r.track.GetGroup(ctx, seq)
	return r.group(g, err == nil), err
}

// All is [model.TrackConsumer.All].
func (r TrackReader) All(ctx context.Context) iter.Seq2[GroupReader, error] {
	return func(yield func(GroupReader, error) bool) {
		for g, err := range r.track.All(ctx) {
			if !yield(r.group(g, err == nil), err) {
				return
			}
		}
	}
}

// ReadFrame is [model.TrackConsumer.ReadFrame]. It counts the group of the frame too.
func (r TrackReader) ReadFrame(ctx context.Context) (model.Frame, error) {
	f, err := r.track.ReadFrame(ctx)
	r.frame(f, err == nil)
	return f, err
}

// TryReadFrame is [model.TrackConsumer.TryReadFrame]. It counts the group of the frame too.
func (r TrackReader) TryReadFrame() (model.Frame, bool, error) {
	f, ok, err := r.track.TryReadFrame()
	r.frame(f, ok)
	return f, ok, err
}

// Wait is [model.TrackConsumer.Wait].
func (r TrackReader) Wait() <-chan struct{} { return r.track.Wait() }

func (r TrackReader) group(g *model.GroupConsumer, ok bool) GroupReader {
	if !ok {
		return GroupReader{}
	}
	return NewGroupReader(g, r.guard)
}

func (r TrackReader) frame(f model.Frame, ok bool) {
	if ok {
		r.guard.Group()
		r.guard.whole(f)
	}
}

// whole counts a frame that was read at once.
func (t *track) whole(f model.Frame) {
	t.Frame()
	t.Bytes(len(f.Payload))
}

// GroupReader reads one group and counts its frames and bytes. Its methods are those of
// [model.GroupConsumer]; Group is the way to the others. Copies are the same reader. The
// zero GroupReader comes with an error or without a group, and is not to be used.
type GroupReader struct {
	group *model.GroupConsumer
	guard PublisherTrack
}

// NewGroupReader counts the group and returns a reader that counts the rest with t, for
// groups that come another way than through a [TrackReader].
func NewGroupReader(g *model.GroupConsumer, t PublisherTrack) GroupReader {
	t.Group()
	return GroupReader{g, t}
}

// Group returns what is read. What is read past the GroupReader is not counted.
func (r GroupReader) Group() *model.GroupConsumer { return r.group }

// ReadFrame is [model.GroupConsumer.ReadFrame].
func (r GroupReader) ReadFrame(ctx context.Context) (model.Frame, error) {
	f, err := r.group.ReadFrame(ctx)
	if err == nil {
		r.guard.whole(f)
	}
	return f, err
}

// TryReadFrame is [model.GroupConsumer.TryReadFrame].
func (r GroupReader) TryReadFrame() (model.Frame, bool, error) {
	f, ok, err := r.group.TryReadFrame()
	if ok {
		r.guard.whole(f)
	}
	return f, ok, err
}

// NextFrame is [model.GroupConsumer.NextFrame]. The frame counts now, its bytes as they
// are read.
func (r GroupReader) NextFrame(ctx context.Context) (FrameReader, error) {
	f, err := r.group.NextFrame(ctx)
	return r.frame(f, err == nil), err
}

// TryNextFrame is [model.GroupConsumer.TryNextFrame].
func (r GroupReader) TryNextFrame() (FrameReader, bool, error) {
	f, ok, err := r.group.TryNextFrame()
	return r.frame(f, ok), ok, err
}

// All is [model.GroupConsumer.All].
func (r GroupReader) All(ctx context.Context) iter.Seq2[model.Frame, error] {
	return func(yield func(model.Frame, error) bool) {
		for f, err := range r.group.All(ctx) {
			if err == nil {
				r.guard.whole(f)
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// Wait is [model.GroupConsumer.Wait].
func (r GroupReader) Wait() <-chan struct{} { return r.group.Wait() }

// Sequence is [model.GroupConsumer.Sequence].
func (r GroupReader) Sequence() uint64 { return r.group.Sequence() }

// Close is [model.GroupConsumer.Close].
func (r GroupReader) Close() error { return r.group.Close() }

func (r GroupReader) frame(f *model.FrameConsumer, ok bool) FrameReader {
	if !ok {
		return FrameReader{}
	}
	r.guard.Frame()
	return FrameReader{f, r.guard}
}

// FrameReader reads one frame in pieces and counts their bytes. Its methods are those of
// [model.FrameConsumer]; it is an io.Reader. Copies are the same reader. The zero
// FrameReader is not to be used.
type FrameReader struct {
	frame *model.FrameConsumer
	guard PublisherTrack
}

// Info is [model.FrameConsumer.Info].
func (r FrameReader) Info() model.FrameInfo { return r.frame.Info() }

// Read is [model.FrameConsumer.Read].
func (r FrameReader) Read(b []byte) (int, error) {
	n, err := r.frame.Read(b)
	r.guard.Bytes(n)
	return n, err
}

// ReadChunk is [model.FrameConsumer.ReadChunk].
func (r FrameReader) ReadChunk(ctx context.Context) ([]byte, error) {
	b, err := r.frame.ReadChunk(ctx)
	r.guard.Bytes(len(b))
	return b, err
}

// TryReadChunk is [model.FrameConsumer.TryReadChunk].
func (r FrameReader) TryReadChunk() ([]byte, bool, error) {
	b, ok, err := r.frame.TryReadChunk()
	r.guard.Bytes(len(b))
	return b, ok, err
}

// ReadAll is [model.FrameConsumer.ReadAll].
func (r FrameReader) ReadAll(ctx context.Context) ([]byte, error) {
	b, err := r.frame.ReadAll(ctx)
	r.guard.Bytes(len(b))
	return b, err
}

// Wait is [model.FrameConsumer.Wait].
func (r FrameReader) Wait() <-chan struct{} { return r.frame.Wait() }

// Close is [model.FrameConsumer.Close].
func (r FrameReader) Close() error { return r.frame.Close() }
