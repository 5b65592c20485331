package moqdec

import (
	"time"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
	"github.com/moqrx/moqrx/spec/tree"
)

// recent remembers values by number, the newest of them.
type recent[T any] struct {
	of    map[uint64]T
	order []uint64
}

func (r *recent[T]) set(id uint64, v T) {
	if r.of == nil {
		r.of = make(map[uint64]T)
	}
	if _, ok := r.of[id]; !ok {
		r.order = append(r.order, id)
	}
	r.of[id] = v
	if len(r.order) > maxTracks {
		delete(r.of, r.order[0])
		r.order = r.order[1:]
	}
}

// request is what a Request ID stands for.
type request struct {
	track      string
	asked      time.Time
	answered   bool
	descending bool // the latest groups come first
	ordered    bool // the request itself says in which order
}

// names is what numbers stand for in a session.
type names struct {
	subscriptions [2]recent[string] // of moq-lite, by the direction of the SUBSCRIBE
	aliases       [2]recent[string] // of moq-transport, by the direction of the publisher
	requests      recent[*request]  // of moq-transport
	cluster       [2]bool           // SETUP had RELAY_HOPS
}

// trackName is how a track is written.
func trackName(broadcast, track string) string { return broadcast + ":" + track }

// namedTrack is the track that a message names, or "".
func namedTrack(m *tree.Node) string {
	for _, keys := range [][2]string{{"Broadcast", "Track"}, {"Track Namespace", "Track Name"}} {
		if m.Child(keys[0]) != nil && m.Child(keys[1]) != nil {
			return trackName(text(m.Child(keys[0])), text(m.Child(keys[1])))
		}
	}
	return ""
}

// number is the value of a part of a message.
func number(m *tree.Node, field string) (v uint64, ok bool) {
	if c := m.Child(field); c != nil {
		v, ok = c.Value.(uint64)
	}
	return v, ok
}

// track is the track of an alias or a subscription that a message on a data stream, or a datagram, names.
func (n *names) track(m *tree.Node, dir quicdec.Dir) string {
	if alias, ok := number(m, "Track Alias"); ok {
		return n.aliases[dir].of[alias]
	}
	if id, ok := number(m, "Subscribe"); ok {
		return n.subscriptions[dir.Other()].of[id]
	}
	if id, ok := number(m, "Request ID"); ok && n.requests.of[id] != nil {
		return n.requests.of[id].track
	}
	return ""
}

// owner is who makes requests with an id.
func owner(id uint64) quicdec.Dir { return quicdec.Dir(id & 1) }

// note remembers what a control message says of requests and tracks. It gives the request that the message is
// about, and whether the message makes it.
func (n *names) note(m *tree.Node, dir quicdec.Dir, of *request, at time.Time) (r *request, made bool) {
	track := namedTrack(m)
	if id, ok := number(m, "ID"); ok && m.Name == "SUBSCRIBE" {
		n.subscriptions[dir].set(id, track)
	}
	for c := range m.Children() {
		if c.Child("RELAY_HOPS") != nil {
			n.cluster[dir] = true
		}
	}
	r = of
	if id, ok := number(m, "Request ID"); ok && m.Name != "GOAWAY" {
		if known := n.requests.of[id]; known != nil {
			r = known
		} else if owner(id) == dir {
			r, made = &request{track: track, asked: at}, true
			n.refer(m, r, of)
			n.requests.set(id, r)
		}
	}
	if r == nil {
		r = &request{track: track}
	}
	if alias, ok := number(m, "Track Alias"); ok && m.Name != "TRACK_STATUS_OK" {
		n.aliases[dir].set(alias, r.track)
	}
	r.order(m, made)
	return r, made
}

// refer lets a request that names another one have its track: the one of its stream, if it is a later one.
func (n *names) refer(m *tree.Node, r, of *request) {
	for _, field := range []string{"Existing Request ID", "Subscription Request ID", "Joining Request ID"} {
		if id, ok := number(m, field); ok && n.requests.of[id] != nil {
			of = n.requests.of[id]
		}
	}
	if r.track == "" && of != nil {
		r.track = of.track
	}
}

// order notes the order of groups that a request asks for, or that the publisher has where it asks for none.
func (r *request) order(m *tree.Node, made bool) {
	for _, c := range m.All() {
		switch order, ok := c.Value.(uint64); {
		case !ok || order == 0:
		case made && (c.Name == "GROUP_ORDER" || c.Name == "Group Order"):
			r.descending, r.ordered = order == 2, true
		case c.Name == "DEFAULT_PUBLISHER_GROUP_ORDER" && !r.ordered:
			r.descending = order == 2
		}
	}
}
