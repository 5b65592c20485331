package lite

import (
	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
)

// dialect is what the versions of moq-lite do differently above the bytes, picked once
// for a session. Differences in bytes are the codecs' business.
type dialect struct {
	version genlite.Version
	// setup: each side opens one SETUP stream, and a server waits for it.
	setup bool
	// announceOK: an announce stream starts with ANNOUNCE_OK, whose origin id is the last
	// hop of every announcement that follows.
	announceOK bool
	// restart: an active announcement of a path that is active replaces it.
	restart bool
	// trackInfo: TRACK comes before SUBSCRIBE, which is answered by SUBSCRIBE_START and
	// SUBSCRIBE_END where they are due, instead of SUBSCRIBE_OK at once.
	trackInfo bool
	// timestamps: frames carry the time in the scale of their track.
	timestamps bool
	// datagrams: groups of one frame may come and go in datagrams.
	datagrams bool
	// fetches: single groups can be asked for.
	fetches bool
	// putHops writes the chain of a broadcast that self announces.
	putHops func(m *genlite.Announce, hops model.OriginList, self model.OriginID)
	// takeHops is the inverse at the receiver: the chain up to and including the
	// publisher. Where the peer gives no id, publisher stands in for it. The second
	// result is false when the chain is too long to be kept.
	takeHops func(m *genlite.Announce, publisher model.OriginID) (model.OriginList, bool)
}

func dialectOf(v genlite.Version) dialect {
	switch v {
	case genlite.Version03:
		return dialect{version: v, putHops: putHopCount, takeHops: takeHopCount}
	case genlite.Version04:
		return dialect{version: v, putHops: putHopsWithSelf, takeHops: takeHops}
	default:
		return dialect{
			version: v, setup: true, announceOK: true, restart: true, trackInfo: true,
			timestamps: true, datagrams: true, fetches: true,
			putHops: putHops, takeHops: takeHopsAndPublisher,
		}
	}
}

// putHopCount is moq-lite-03: only how many hops, the sender included.
func putHopCount(m *genlite.Announce, hops model.OriginList, _ model.OriginID) {
	m.HopCount = uint64(len(hops)) + 1
}

func takeHopCount(m *genlite.Announce, publisher model.OriginID) (model.OriginList, bool) {
	if m.HopCount > model.MaxHops {
		return nil, false
	}
	hops := make(model.OriginList, max(m.HopCount, 1))
	hops[0] = publisher
	return hops, true
}

// putHopsWithSelf is moq-lite-04: the ids, the sender's own last.
func putHopsWithSelf(m *genlite.Announce, hops model.OriginList, self model.OriginID) {
	putHops(m, hops, self)
	m.Hops = append(m.Hops, uint64(self))
}

func takeHops(m *genlite.Announce, publisher model.OriginID) (model.OriginList, bool) {
	if len(m.Hops) == 0 {
		return model.OriginList{publisher}, true
	}
	return originList(m.Hops), len(m.Hops) <= model.MaxHops
}

func originList(ids []uint64) model.OriginList {
	hops := make(model.OriginList, len(ids))
	for i, id := range ids {
		hops[i] = model.OriginID(id)
	}
	return hops
}

// putHops is moq-lite-05: the ids without the sender's own, which ANNOUNCE_OK carries.
func putHops(m *genlite.Announce, hops model.OriginList, _ model.OriginID) {
	m.Hops = make([]uint64, len(hops), len(hops)+1)
	for i, id := range hops {
		m.Hops[i] = uint64(id)
	}
}

func takeHopsAndPublisher(m *genlite.Announce, publisher model.OriginID) (model.OriginList, bool) {
	hops, err := originList(m.Hops).Push(publisher)
	return hops, err == nil
}
