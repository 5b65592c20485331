package lite

import (
	"sync"

	"github.com/moqrx/moqrx/model"
)

// timescales are those that the peer was told in TRACK_INFO, by track. It reads all times of the
// track so, whether it subscribes or fetches (draft-lcurley-moq-lite, TRACK), while the track may be
// another one by then: from another source that counts otherwise.
//
// A peer may ask about any number of tracks. The last ones are remembered, at least as many as
// limit says and at most twice that; about others one has to trust what they are like now.
type timescales struct {
	limit int

	mu           sync.Mutex
	newer, older map[trackName]model.Timescale
}

// tell notes what the peer is about to be told.
func (s *timescales) tell(name trackName, scale model.Timescale) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newer == nil || len(s.newer) >= s.limit {
		s.newer, s.older = make(map[trackName]model.Timescale), s.newer
	}
	s.newer[name] = scale
}

// told returns what the peer was told last, 0 when that was nothing.
func (s *timescales) told(name trackName) model.Timescale {
	s.mu.Lock()
	defer s.mu.Unlock()
	if scale, ok := s.newer[name]; ok {
		return scale
	}
	return s.older[name]
}
