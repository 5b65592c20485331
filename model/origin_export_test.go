package model

// PeerHash is what the handover gate compares at a path.
func PeerHash(path Path, id OriginID) uint64 { return routeHash(path, OriginList{id}) }

// Segments returns how many sources an origin's track is still read from.
func Segments(c *TrackConsumer) int {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	return len(c.t.splice.parts)
}

// Views returns for how many neighbors a path is kept apart.
func Views(p *OriginProducer, path Path) int {
	p.o.mu.Lock()
	defer p.o.mu.Unlock()
	return len(p.o.root.find(path).entry.front.views)
}

// Paths returns how many paths an origin keeps something of.
func Paths(p *OriginProducer) (n int) {
	p.o.mu.Lock()
	defer p.o.mu.Unlock()
	p.o.root.walk(func(at *node) {
		if at.entry != nil {
			n++
		}
	})
	return n
}
