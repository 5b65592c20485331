// Package lite runs one moq-lite session (draft-lcurley-moq-lite, versions 01 to 05, and
// 06 as it is deployed) on a connection: the object model on one side, the generated codecs on the other. It
// never parses a byte by hand.
//
// An [Engine] is made for a connection whose version is known: the transport has negotiated it, or
// the two sides agree on moq-lite-01 or -02 by an [Exchange]. A server first waits for
// the peer's SETUP with [Engine.AwaitSetup] (since moq-lite-05), so that it can look at the
// request before it grants anything. [Engine.SendSetup] declares this side, and
// [Engine.Run] then serves both directions until the session ends, with every goroutine
// joined before it returns:
//
//   - the publisher half answers ANNOUNCE, SUBSCRIBE, TRACK and FETCH streams of the peer
//     from an origin consumer, and sends the datagrams of what the peer subscribed to;
//   - the subscriber half asks for announcements under every prefix that the origin
//     producer permits, publishes what is announced there, subscribes upstream to a
//     track once a local reader asks for it, and fetches single groups that one asks for;
//   - PROBE streams carry what each side measures to the other (probe.go), and GOAWAY that one of
//     them is about to leave (goaway.go).
//
// Datagrams, FETCH and TRACK are from moq-lite-05 on. Who asks what a track is like, or
// fetches from it, is no subscriber: no SUBSCRIBE is sent for it. A datagram that does not fit
// into a packet or has no place in a track is dropped, counted and logged.
//
// What differs between the versions is in dialect.go and, for announce streams, in
// dialect_announce.go. What one peer may make a session
// hold is in [Limits].
//
// # Limitations
//
// A sender never pads its traffic to measure more (level 2 of PROBE).
//
// moq-lite-01 and -02 can say nothing about a subscription but its priority, and nothing at all once it
// stands: what else the local readers want does not reach the peer, and the groups come from
// the latest one on.
//
// The priority of a fetch is that of the moment when it is sent: there is no message to change it.
// A fetched group that has begun is read to its end, whoever has left meanwhile. The end of a track with
// datagrams is believed only after [Limits].Settle, since some peers do not count them in it. A
// reader who wants nothing but group 0, ordered and without a priority, is taken for one who only
// asks, and subscribed for after 4 s.
package lite
