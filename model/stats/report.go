package stats

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/moqrx/moqrx/model"
)

// HostSnapshot is the sum over all broadcasts and roots since the aggregator was made. Unlike
// the numbers of one broadcast, these never start again.
type HostSnapshot struct {
	Traffic  [4]HostTraffic  // external publisher and subscriber, then internal ones
	Sessions [2]HostSessions // external, internal
}

// HostTraffic is the sum over all broadcasts on one side of one tier.
type HostTraffic struct {
	Tier Tier
	Role Role
	Counters
}

// HostSessions is the sum over all roots in one tier.
type HostSessions struct {
	Tier Tier
	Presence
}

// Host returns the totals as they are now, not as they were last published; all zero when
// disabled, those of the end after Close.
func (s *Stats) Host() HostSnapshot {
	var h HostSnapshot
	for i := range h.Traffic {
		h.Traffic[i].Tier, h.Traffic[i].Role = Tier(i/roles), Role(i%roles)
	}
	for i := range h.Sessions {
		h.Sessions[i].Tier = Tier(i)
	}
	if s == nil || s.registry == nil {
		return h
	}
	r := s.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range h.Traffic {
		h.Traffic[i].Counters = r.pastTraffic[i/roles][i%roles]
	}
	for i := range h.Sessions {
		h.Sessions[i].Presence = r.pastSessions[i]
	}
	for _, b := range r.broadcasts {
		for i := range h.Traffic {
			if c := b.traffic[i/roles][i%roles]; c != nil {
				h.Traffic[i].Counters = h.Traffic[i].plus(c.snapshot())
			}
		}
	}
	for _, b := range r.roots {
		for t, p := range b.presence {
			if p != nil {
				h.Sessions[t].Presence = h.Sessions[t].plus(p.snapshot())
			}
		}
	}
	return h
}

// BroadcastCounters is what was counted for one broadcast on one side of one tier.
type BroadcastCounters struct {
	Path model.Path
	Tier Tier
	Role Role
	Counters
}

// Broadcasts returns what is counted now by broadcast, without what is all zero, ordered
// by path, tier and role. Broadcasts that nobody holds leave with the frame after their end.
func (s *Stats) Broadcasts() []BroadcastCounters {
	if s == nil || s.registry == nil {
		return nil
	}
	var out []BroadcastCounters
	r := s.registry
	r.mu.Lock()
	for path, b := range r.broadcasts {
		for t, sides := range b.traffic {
			for role, c := range sides {
				if c == nil {
					continue
				}
				if now := c.snapshot(); now != (Counters{}) {
					out = append(out, BroadcastCounters{path, Tier(t), Role(role), now})
				}
			}
		}
	}
	r.mu.Unlock()
	slices.SortFunc(out, func(a, b BroadcastCounters) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Tier, b.Tier), cmp.Compare(a.Role, b.Role))
	})
	return out
}

// Traffic is the content of one frame of a track named by [TrafficTrack]: broadcasts that
// are open or have changed since the frame before.
type Traffic map[model.Path]Counters

// Sessions is the content of one frame of a track named by [SessionsTrack]: roots with
// sessions that are connected or have changed since the frame before.
type Sessions map[model.Path]Presence

// ParseTraffic reads one frame. Fields that the writer does not know are 0, those that we
// do not know are left out. An error for what is not such JSON; frames come from peers.
func ParseTraffic(frame []byte) (Traffic, error) { return parse[Traffic](frame) }

// ParseSessions reads one frame, as tolerantly as [ParseTraffic].
func ParseSessions(frame []byte) (Sessions, error) { return parse[Sessions](frame) }

func parse[M ~map[model.Path]T, T any](frame []byte) (M, error) {
	var raw map[string]T
	if err := json.Unmarshal(frame, &raw); err != nil {
		return nil, fmt.Errorf("a frame of statistics: %w", err)
	}
	out := make(M, len(raw))
	for path, v := range raw {
		out[model.NewPath(path)] = v
	}
	return out, nil
}
