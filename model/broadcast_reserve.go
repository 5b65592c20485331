package model

import (
	"fmt"
	"strconv"
)

// ReserveTrack takes the name of a track whose properties are not known yet. Readers
// may subscribe and wait; answer with Accept or Reject. A request for that name that
// nobody has picked up yet is the one returned. Errors as in CreateTrack.
func (p *BroadcastProducer) ReserveTrack(name string) (*TrackRequest, error) {
	p.b.mu.Lock()
	t, err := p.take(name)
	if err != nil {
		p.b.mu.Unlock()
		return nil, fmt.Errorf("reserve track %q: %w", name, err)
	}
	t.mu.Lock()
	defer t.unlockLifetime() // tells those who missed the track
	return &TrackRequest{t: t}, nil
}

// UniqueName returns the first of "0"+suffix, "1"+suffix and so on that no track of
// the broadcast has. It does not reserve the name.
func (p *BroadcastProducer) UniqueName(suffix string) string {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	return p.b.uniqueName(suffix)
}

func (b *broadcast) uniqueName(suffix string) string {
	for i := 0; ; i++ {
		name := strconv.Itoa(i) + suffix
		if b.tracks[name] == nil {
			return name
		}
	}
}

// UniqueTrack adds a track under its UniqueName. Errors as in CreateTrack.
func (p *BroadcastProducer) UniqueTrack(suffix string, info TrackInfo) (*TrackProducer, error) {
	info, err := info.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("create track %q: %w", "*"+suffix, err)
	}
	p.b.mu.Lock()
	t, err := p.take(p.b.uniqueName(suffix))
	if err != nil {
		p.b.mu.Unlock()
		return nil, fmt.Errorf("create track %q: %w", "*"+suffix, err)
	}
	t.mu.Lock()
	defer t.unlockLifetime()
	return t.accept(info), nil
}
