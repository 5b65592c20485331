package lite

import (
	"slices"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
)

// announcing is what the versions do differently on announce streams.
type announcing struct {
	// opening makes the message that the answer to ANNOUNCE_REQUEST begins with, or is nil.
	opening func() genlite.Message
	// begin puts it in front of the announcements of what is active.
	begin func(self model.OriginID, active []genlite.Message) []genlite.Message
	// next reads one announcement.
	next func(r *reader) (genlite.Message, error)

	// start tells that self has a broadcast by this route.
	start func(suffix string, route model.Route, self model.OriginID) genlite.Message
	// update tells another route of what was started as the id-th, counted from 0. Where it is
	// nil, only an end and a start can say so.
	update func(suffix string, id uint64, route model.Route) genlite.Message
	// end takes back what was started as the id-th.
	end func(suffix string, id uint64) genlite.Message
	// same reports whether the peer cannot tell two routes apart.
	same func(a, b model.Route) bool

	// repeats: an active announcement of a path that is active replaces it. Elsewhere it is a
	// violation.
	repeats bool
	// takeHops is the chain that an announcement of the publisher brings, up to and including the
	// publisher. Where the peer gives no id, publisher stands in for it. The second result is
	// false when the chain is too long to be kept.
	takeHops func(m *genlite.Announce, publisher model.OriginID) (model.OriginList, bool)
}

// announceNames is moq-lite-01 and -02: what is active comes first in one message, and nothing is
// said about routes.
var announceNames = announcing{
	opening: func() genlite.Message { return new(genlite.AnnounceInit) },
	begin:   beginWithNames, next: nextAnnounce,
	start: func(suffix string, _ model.Route, _ model.OriginID) genlite.Message { return activeName(suffix) },
	end:   endByName,
	same:  func(_, _ model.Route) bool { return true },
	takeHops: func(_ *genlite.Announce, publisher model.OriginID) (model.OriginList, bool) {
		return model.OriginList{publisher}, true
	},
}

// announceCounts is moq-lite-03: only how many hops, the sender included.
var announceCounts = announcing{
	begin: beginAtOnce, next: nextAnnounce,
	start: func(suffix string, route model.Route, _ model.OriginID) genlite.Message {
		m := activeName(suffix)
		m.HopCount = uint64(len(route.Hops)) + 1
		return m
	},
	end:      endByName,
	same:     func(a, b model.Route) bool { return len(a.Hops) == len(b.Hops) },
	takeHops: takeHopCount,
}

// announceChains is moq-lite-04: the ids, the sender's own last.
var announceChains = announcing{
	begin: beginAtOnce, next: nextAnnounce,
	start: func(suffix string, route model.Route, self model.OriginID) genlite.Message {
		m := activeName(suffix)
		m.Hops = append(ids(route.Hops), uint64(self))
		return m
	},
	end: endByName, same: sameHops, takeHops: takeHops,
}

// announceRoutes is moq-lite-05: the ids without the sender's own, which ANNOUNCE_OK carries.
var announceRoutes = announcing{
	opening: func() genlite.Message { return new(genlite.AnnounceOK) },
	begin:   beginWithOK, next: nextAnnounce,
	start: func(suffix string, route model.Route, _ model.OriginID) genlite.Message {
		m := activeName(suffix)
		m.Hops = ids(route.Hops)
		return m
	},
	update: func(suffix string, _ uint64, route model.Route) genlite.Message {
		m := activeName(suffix)
		m.Hops = ids(route.Hops)
		return m
	},
	end: endByName, same: sameHops, repeats: true, takeHops: takeHopsAndPublisher,
}

// announcePrices is moq-lite-06: announcements have a cost and are numbered.
var announcePrices = announcing{
	opening: func() genlite.Message { return new(genlite.AnnounceOK) },
	begin:   beginWithOK,
	next: func(r *reader) (m genlite.Message, err error) {
		err = r.parse(func(src []byte) (n int, err error) {
			m, n, err = genlite.ParseAnnouncement(src, r.version)
			return n, err
		})
		return m, err
	},
	start: func(suffix string, route model.Route, _ model.OriginID) genlite.Message {
		return &genlite.AnnounceStart{Suffix: suffix, Hops: ids(route.Hops), Cost: charge(route.Cost, 0)}
	},
	update: func(_ string, id uint64, route model.Route) genlite.Message {
		return &genlite.AnnounceUpdate{ID: id, Hops: ids(route.Hops), Cost: charge(route.Cost, 0)}
	},
	end: func(_ string, id uint64) genlite.Message { return &genlite.AnnounceEnd{ID: id} },
	same: func(a, b model.Route) bool {
		return sameHops(a, b) && charge(a.Cost, 0) == charge(b.Cost, 0)
	},
	takeHops: takeHopsAndPublisher,
}

// maxCost is the highest cost that a message carries, a varint of 62 bits.
const maxCost = 1<<62 - 1

// charge adds the price of a link to a cost, up to maxCost.
func charge(cost, price uint64) uint64 {
	return min(min(cost, maxCost)+min(price, maxCost), maxCost)
}

// maxInit bounds the names in one ANNOUNCE_INIT, in bytes with their lengths: what does not fit into
// a message follows in messages of its own.
const maxInit = 60 << 10

func beginWithNames(_ model.OriginID, active []genlite.Message) []genlite.Message {
	first := &genlite.AnnounceInit{}
	for size := 0; len(active) > 0; active = active[1:] {
		suffix := active[0].(*genlite.Announce).Suffix
		if size += len(suffix) + 4; size > maxInit {
			break
		}
		first.Suffixes = append(first.Suffixes, suffix)
	}
	return append([]genlite.Message{first}, active...)
}

func beginAtOnce(_ model.OriginID, active []genlite.Message) []genlite.Message { return active }

func beginWithOK(self model.OriginID, active []genlite.Message) []genlite.Message {
	ok := &genlite.AnnounceOK{Origin: uint64(self), Active: uint64(len(active))}
	return append([]genlite.Message{ok}, active...)
}

func nextAnnounce(r *reader) (genlite.Message, error) {
	m := new(genlite.Announce)
	return m, r.message(m)
}

func activeName(suffix string) *genlite.Announce {
	return &genlite.Announce{Status: genlite.AnnounceStatusActive, Suffix: suffix}
}

func endByName(suffix string, _ uint64) genlite.Message {
	return &genlite.Announce{Status: genlite.AnnounceStatusEnded, Suffix: suffix}
}

func sameHops(a, b model.Route) bool { return slices.Equal(a.Hops, b.Hops) }

func takeHopCount(m *genlite.Announce, publisher model.OriginID) (model.OriginList, bool) {
	if m.HopCount > model.MaxHops {
		return nil, false
	}
	hops := make(model.OriginList, max(m.HopCount, 1))
	hops[0] = publisher
	return hops, true
}

func takeHops(m *genlite.Announce, publisher model.OriginID) (model.OriginList, bool) {
	if len(m.Hops) == 0 {
		return model.OriginList{publisher}, true
	}
	return originList(m.Hops), len(m.Hops) <= model.MaxHops
}

func takeHopsAndPublisher(m *genlite.Announce, publisher model.OriginID) (model.OriginList, bool) {
	hops, err := originList(m.Hops).Push(publisher)
	return hops, err == nil
}

func originList(ids []uint64) model.OriginList {
	hops := make(model.OriginList, len(ids))
	for i, id := range ids {
		hops[i] = model.OriginID(id)
	}
	return hops
}

// ids leaves room for one more.
func ids(hops model.OriginList) []uint64 {
	list := make([]uint64, len(hops), len(hops)+1)
	for i, id := range hops {
		list[i] = uint64(id)
	}
	return list
}
