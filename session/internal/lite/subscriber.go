package lite

import (
	"context"
	"errors"
	"sync"

	"github.com/moqrx/moqrx/model"
)

// subscriber is the half of a session that takes from the peer.
type subscriber struct {
	*Engine
	origin *model.OriginProducer // nil: nothing is asked for
	// unknown stands for a publisher that gives no id, so that what it announces can
	// be told from what others do.
	unknown model.OriginID
	// listening is done when no ANNOUNCE stream is read any more.
	listening sync.WaitGroup

	mu         sync.Mutex
	next       uint64               // next subscribe id
	tracks     map[uint64]*upstream // subscriptions whose groups are taken
	broadcasts int                  // announced by the peer, on all streams
	names      int                  // bytes of their paths
	listeners  []*listener          // the ANNOUNCE streams
	retired    bool                 // the peer is about to leave
	requests   int                  // tracks that local readers asked for, and that have not ended
	freed      chan struct{}        // closed, and made anew, when there are fewer

	asking chan struct{} // one for each FETCH that is under way
	strays losses        // datagrams of the peer that had no place
}

func newSubscriber(e *Engine, origin *model.OriginProducer) *subscriber {
	c := &subscriber{
		Engine: e, origin: origin,
		unknown: e.link.Peer,
		tracks:  make(map[uint64]*upstream),
		freed:   make(chan struct{}),
		asking:  make(chan struct{}, e.limits.Fetches),
	}
	if c.unknown == 0 {
		c.unknown = model.RandomOriginID()
	}
	return c
}

// identity is who the peer is where an announcement does not say it.
func (c *subscriber) identity() model.OriginID {
	if declared := c.PeerOrigin(); declared != 0 {
		return declared
	}
	return c.unknown
}

// linkCost is what a route costs more for its last hop.
func (c *subscriber) linkCost() uint64 {
	switch declared := c.Peer().Cost; {
	case c.link.Cost.Set:
		return c.link.Cost.Value
	case declared.Set && c.dialect.priced:
		return declared.Value
	default:
		return 1
	}
}

// start asks for what is announced under every permitted prefix.
func (c *subscriber) start(ctx context.Context) {
	if c.origin == nil {
		return
	}
	for _, prefix := range c.origin.Allowed() {
		c.listening.Add(1)
		c.tasks.Go(func() {
			defer c.listening.Done()
			err := c.listen(ctx, prefix)
			var known *model.Error
			switch {
			case ctx.Err() != nil, err == nil:
			case errors.As(err, &known) && known.Remote && lost(err):
				// The connection is about to say so itself.
			case errors.As(err, &known) && known.Remote:
				c.log.Warn("the peer refused to announce", "prefix", prefix, "error", err)
			default:
				// What is available is no longer known: better start afresh than go on blind.
				c.fail(err)
			}
		})
	}
}

// register gives the next subscribe id to u. From then on its groups are taken.
func (c *subscriber) register(u *upstream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u.id = c.next
	c.next++
	c.tracks[u.id] = u
}

func (c *subscriber) unregister(u *upstream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.tracks, u.id)
}

// enter finds the subscription of a group stream and counts the group in: land
// counts it out. nil is a subscription that is not, or no longer, known.
func (c *subscriber) enter(id uint64) *upstream {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.tracks[id]
	if u != nil {
		u.depart()
	}
	return u
}

// count notes one more announced path, and fails above the limits.
func (c *subscriber) count(path model.Path) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broadcasts++
	c.names += len(path)
	switch {
	case c.broadcasts > c.limits.Broadcasts:
		return failure(model.CodeBoundsExceeded, "the peer announces more than %d broadcasts", c.limits.Broadcasts)
	case c.names > c.limits.AnnouncedBytes:
		return failure(model.CodeBoundsExceeded, "the peer announces paths of more than %d bytes", c.limits.AnnouncedBytes)
	}
	return nil
}

// discount is count of a path that is gone.
func (c *subscriber) discount(path model.Path) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broadcasts--
	c.names -= len(path)
}
