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
	// priced: announcements have a cost, which the cost of the link is added to. That, and who the
	// peer is, only SETUP says, so announce streams wait for it.
	priced bool
	// preferences: SUBSCRIBE says more than the priority, and SUBSCRIBE_UPDATE changes it.
	preferences bool
	// accept makes the SUBSCRIBE_OK that answers a SUBSCRIBE at once. It is nil with trackInfo.
	accept func(m *genlite.Subscribe) *genlite.SubscribeOK
	// trackInfo: TRACK comes before SUBSCRIBE, which is answered by SUBSCRIBE_START and
	// SUBSCRIBE_END where they are due.
	trackInfo bool
	// timestamps: frames carry the time in the scale of their track.
	timestamps bool
	// datagrams: groups of one frame may come and go in datagrams.
	datagrams bool
	// fetches: single groups can be asked for.
	fetches bool
	// probe: there are PROBE streams, whose reports have a round-trip time with probeRTT.
	probe, probeRTT bool
	// goaway: either side may ask the other to leave.
	goaway bool

	announcing
}

func dialectOf(v genlite.Version) dialect {
	switch v {
	case genlite.Version01:
		return dialect{version: v, accept: acceptWithPriority, announcing: announceNames}
	case genlite.Version02:
		return dialect{version: v, accept: acceptPlainly, announcing: announceNames}
	case genlite.Version03:
		return dialect{version: v, preferences: true, accept: acceptInFull, probe: true, announcing: announceCounts}
	case genlite.Version04:
		return dialect{
			version: v, preferences: true, accept: acceptInFull, probe: true, probeRTT: true, goaway: true,
			announcing: announceChains,
		}
	case genlite.Version05:
		return dialect{
			version: v, setup: true, preferences: true, trackInfo: true, timestamps: true,
			datagrams: true, fetches: true, probe: true, probeRTT: true, goaway: true, announcing: announceRoutes,
		}
	default:
		return dialect{
			version: v, setup: true, priced: true, preferences: true, trackInfo: true, timestamps: true,
			datagrams: true, fetches: true, probe: true, probeRTT: true, goaway: true, announcing: announcePrices,
		}
	}
}

// acceptWithPriority is moq-lite-01: the answer tells the priority, and nothing else.
func acceptWithPriority(m *genlite.Subscribe) *genlite.SubscribeOK {
	return &genlite.SubscribeOK{Priority: m.Priority}
}

// acceptPlainly is moq-lite-02: the answer is empty.
func acceptPlainly(*genlite.Subscribe) *genlite.SubscribeOK { return &genlite.SubscribeOK{} }

// acceptInFull is moq-lite-03 and -04: the answer repeats the question.
func acceptInFull(m *genlite.Subscribe) *genlite.SubscribeOK {
	return &genlite.SubscribeOK{
		Priority: m.Priority, Ordered: m.Ordered, MaxLatency: m.MaxLatency,
		StartGroup: m.StartGroup, EndGroup: m.EndGroup,
	}
}

// subscribe is the SUBSCRIBE for what the local readers want, as far as the version can say it.
func (d *dialect) subscribe(id uint64, path model.Path, track string, wants model.Subscription) *genlite.Subscribe {
	m := &genlite.Subscribe{ID: id, Broadcast: path.String(), Track: track, Priority: wants.Priority}
	if d.preferences {
		m.Ordered, m.MaxLatency = wants.Ordered, toMillis(wants.MaxLatency)
		m.StartGroup, m.EndGroup = startGroup(wants.Start), endGroup(wants.End)
	}
	return m
}
