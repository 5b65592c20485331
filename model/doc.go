// Package model is the object model of Media over QUIC: an origin is a set of
// broadcasts by path, a broadcast has tracks by name, a track is a sequence of
// groups, a group is a list of frames, a frame is bytes with a timestamp. It
// knows no wire: sessions fill an origin from one side and read it on the other.
//
// # Usage
//
// Every level has a producer and a consumer half. A publisher makes a broadcast
// in an origin, a track in the broadcast, and writes:
//
//	origin := model.NewOrigin()
//	broadcast, err := origin.CreateBroadcast("room/alice", model.Route{})
//	track, err := broadcast.CreateTrack("video", model.TrackInfo{})
//	group, err := track.AppendGroup()
//	err = group.WriteFrame(model.Frame{Payload: keyframe})
//	err = group.Finish()
//
// A subscriber finds the broadcast and reads:
//
//	broadcast, err := origin.Consume().Announced(ctx, "room/alice")
//	track, err := broadcast.SubscribeTrack("video", model.Subscription{})
//	for group, err := range track.All(ctx) {
//		for frame, err := range group.All(ctx) { ... }
//	}
//
// Tracks and broadcasts that are made only when somebody asks come from Dynamic
// handlers. Take the handler before publishing the broadcast.
//
// # Conventions
//
// A call that may block takes a context; only [FrameConsumer.Read] has none, and ends with
// Close. What takes the next of something (a group, a frame, an announcement, a request)
// has a Try twin that returns false instead, and its handle has Wait, a channel that
// closes at the next change. Taken before the Try call, it never misses one:
//
//	for {
//		changed := group.Wait()
//		frame, ok, err := group.TryReadFrame()
//		if !ok && err == nil {
//			<-changed
//			continue
//		}
//		...
//	}
//
// The rest has no twin of its own. Announced and Request: what is there is told by
// Announcements. GetGroup, and FetchGroup of a [BroadcastTrack]: TryFetchGroup of a reader
// looks into the cache. ReadAll: take the chunks. Used and Unused: a track has
// SubscriptionChanged. [BroadcastTrack] has TryInfo, which asks nobody: it is not worth a wait.
//
// A clean end is io.EOF. What is there is returned before an end or an ended
// context is.
//
// Handles are counted: Clone makes another one, Close gives it up and may be
// repeated; calls through a closed handle return [ErrClosed]. A cloned consumer
// starts where the original stands, a consumed one at the beginning. Finish lets
// readers drain what is cached. Abort fails them and frees the cache. Closing the
// last producer without Finish is Abort with [ErrDropped]; for a track or group,
// where readers lose something, a warning goes to slog's default logger. Children
// are independent: a group that was handed out can be read to its end whatever
// becomes of its track. Only one frame of a group is written at a time, and giving
// it up before it is complete takes the group along.
//
// Everything may be used concurrently. Handles come from the calls that make them; their
// zero values panic. Payloads are copied once, when written
// (not at all by WriteOwnedFrame, once into place by ReadFrom), and shared by all
// readers, who must not change them.
//
// # What is cached
//
// A track keeps a group until it was neither written nor asked for by number
// (GetGroup, FetchGroup) for MaxLatency, in ticks of 100 ms: never less, and up to
// three ticks more. A [CachePool] bounds the bytes of all tracks that share it.
// Both are enforced by writes, a few groups at a time, so an idle track keeps what
// it has; only when its pool is full, writers of other tracks let groups of it go that
// are too old, or were used less recently than most in the pool. The newest group of a
// track always stays.
//
// Where several tracks have a group, since a path of an origin has the groups of its
// source, each lets it go by its own limits; those of one pool do so together. When the
// last one does, the group is aborted, with [ErrOld] or [ErrEvicted]: its readers see
// that unless they have read all of a finished group, and its producer cannot write any
// more. In each track, the number is free again once it let the group go. FetchGroup asks
// the track's fetch handler for groups that are not cached ([TrackProducer.Dynamic]);
// subscribers do not see what is fetched. A finished track frees its cache when the last handle is closed.
//
// Datagrams count with the groups, are kept for about 50 ms (at most 8192 of a track),
// and have a cursor of their own.
//
// # Paths and their sources
//
// A [Path] may be given with slashes too many: "/room//alice/" is room/alice, and is told so.
//
// A path of an origin may have several sources: broadcasts that were published
// there, by local code or by sessions. What readers find at the path is the
// origin's own broadcast, which takes each track from the best source of one
// publisher (the first hop of the [Route]): announced, cheapest, fewest hops. When
// another source becomes the best, or the one that served ends without Finish, the
// track goes on from there with the first group that is missing; readers notice
// nothing. Info is that of the first source, and timestamps are in its timescale whoever
// they come from. The broadcast ends when another publisher takes the path, when its last
// source finishes, or when the last one is lost and none returns in time
// ([WithLinger]). A source that does not have a track is passed over for that track.
//
// Demand goes the other way: a source's producer sees what the readers of the path
// want together, and that nobody wants anything, at once. The readers of a neighbor
// ([OriginConsumer.ForPeer]) are never served from a route through that neighbor.
//
// # Statistics, bandwidth
//
// Package stats counts what sessions carry. [BandwidthConsumer] tells what a
// connection is estimated to carry.
//
// # Locks
//
// There is no goroutine in this package (timers, and the cleanup of a forgotten
// announce cursor, run on the runtime's). Every object has one mutex; they are taken
// in the order origin, broadcast, track, group, pool. Of two broadcasts or tracks, the
// source's comes before that of the path it feeds. A group's mutex also guards its
// frames. Whatever goes another way (a group telling its track about a frame, a
// broadcast telling its origins that it ended, a track telling another that it let a
// group of both go, or that their pool is full, readers of a path telling its source
// what they want) does so after letting go.
//
// # Limitations
//
// A group keeps at most MaxGroupBytes. A cache pool may be exceeded for a while, and
// charges what a group holds, not what readers hold of groups that have gone, and no
// datagrams, of which an idle track keeps the last. A track
// that is forgotten instead of closed stays charged. Fetches are for whole groups.
package model
