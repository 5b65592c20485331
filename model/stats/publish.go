package stats

import (
	"bytes"
	"cmp"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/moqrx/moqrx/model"
)

// publisher has the broadcasts of statistics. Only the goroutine of the aggregator uses
// it, once it is started.
type publisher struct {
	origin       *model.OriginProducer
	prefix, node model.Path
	depth        int
	interval     time.Duration
	log          *slog.Logger
	broadcasts   map[model.Path]*publication // nil values: refused by the origin
}

func newPublisher(c Config) *publisher {
	return &publisher{
		origin: c.Origin.Clone(), prefix: c.Prefix, node: c.Node, depth: c.Depth, interval: c.Interval, log: c.Logger,
		broadcasts: make(map[model.Path]*publication),
	}
}

// start is the first tick.
func (p *publisher) start() error {
	if p.depth > 0 {
		return nil
	}
	b, err := p.open("", &group{})
	if err != nil {
		_ = p.origin.Close() // never fails
		return err
	}
	p.broadcasts[""] = b
	return nil
}

// emit writes one frame to every track whose content has changed.
func (p *publisher) emit(told groups) {
	if p.depth == 0 && told[""] == nil {
		told[""] = &group{} // announced for as long as the aggregator lives
	}
	for key, b := range p.broadcasts {
		if told[key] == nil {
			p.end(b)
			delete(p.broadcasts, key)
		}
	}
	for key, g := range told {
		b, known := p.broadcasts[key]
		if known {
			p.write(b, g)
			continue
		}
		b, err := p.open(key, g)
		if err != nil {
			p.log.Warn("statistics are not published", "group", key, "error", err)
		}
		p.broadcasts[key] = b
	}
}

// close ends everything that is published.
func (p *publisher) close() {
	for _, b := range p.broadcasts {
		p.end(b)
	}
	_ = p.origin.Close() // never fails
}

// publication is one broadcast of statistics.
type publication struct {
	path      model.Path
	broadcast *model.BroadcastProducer
	tracks    [tiers]tierTracks
}

// tierTracks are the tracks of one tier.
type tierTracks struct {
	traffic  [roles]output
	sessions output
}

// output is one track and what was last written to it.
type output struct {
	track *model.TrackProducer
	last  []byte
}

// open publishes the broadcast of a group. It has its tracks and frames before it is
// announced.
func (p *publisher) open(key model.Path, g *group) (*publication, error) {
	b := &publication{path: p.prefix.Join(key).Join("node").Join(p.node)}
	var err error
	if b.broadcast, err = p.origin.CreateBroadcast(b.path, model.Route{Offline: true}); err != nil {
		return nil, err
	}
	for t := range Tier(tiers) {
		for r := range Role(roles) {
			b.tracks[t].traffic[r].track = p.track(b, TrafficTrack(t, r))
		}
		b.tracks[t].sessions.track = p.track(b, SessionsTrack(t))
	}
	p.write(b, g)
	b.broadcast.SetRoute(model.Route{})
	return b, nil
}

// track returns a new track of b. A frame of it is all there is to tell, so that those before are worth nothing.
func (p *publisher) track(b *publication, name string) *model.TrackProducer {
	t, _ := b.broadcast.CreateTrack(name, model.TrackInfo{MaxLatency: p.interval}) // fails only for a name that is taken
	return t
}

// write brings all tracks of b up to date.
func (p *publisher) write(b *publication, g *group) {
	if b == nil {
		return
	}
	for t := range b.tracks {
		for r := range b.tracks[t].traffic {
			writeMap(p, b, &b.tracks[t].traffic[r], g.traffic[t][r])
		}
		writeMap(p, b, &b.tracks[t].sessions, g.sessions[t])
	}
}

// writeMap writes m to the track unless that was its last content. Keys are sorted.
func writeMap[M ~map[model.Path]T, T any](p *publisher, b *publication, o *output, m M) {
	frame := []byte("{}")
	var err error
	if len(m) > 0 {
		frame, err = json.Marshal(m)
	}
	if over := len(frame) - model.MaxFrameSize; over > 0 {
		n := cut(m, over)
		p.log.Warn("statistics of the longest names are left out", "broadcast", b.path, "track", o.track.Name(), "left out", n)
		frame, err = json.Marshal(m)
	}
	if err == nil && !bytes.Equal(frame, o.last) {
		err = o.track.WriteFrame(model.Frame{Payload: frame})
	}
	if err != nil {
		p.log.Warn("a frame of statistics is left out", "broadcast", b.path, "track", o.track.Name(), "error", err)
		return
	}
	o.last = frame
}

// cut removes what has the longest names from m, until its JSON is shorter by size bytes at least.
func cut[M ~map[model.Path]T, T any](m M, size int) (removed int) {
	for _, path := range slices.SortedFunc(maps.Keys(m), func(a, b model.Path) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(b, a))
	}) {
		if size <= 0 {
			break
		}
		entry, _ := json.Marshal(M{path: m[path]}) // not for the first time
		size -= len(entry) - 1                     // two braces for one comma
		delete(m, path)
		removed++
	}
	return removed
}

// end withdraws a broadcast: nothing in it is open or has changed any more.
func (p *publisher) end(b *publication) {
	if b == nil {
		return
	}
	p.write(b, &group{})
	for _, t := range b.tracks {
		for _, o := range append(t.traffic[:], t.sessions) {
			_ = o.track.Finish() // fails only for a track that has ended, and only this ends them
			_ = o.track.Close()
		}
	}
	_ = b.broadcast.Finish() // likewise
	_ = b.broadcast.Close()
}
