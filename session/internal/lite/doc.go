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
//     from an origin consumer;
//   - the subscriber half asks for announcements under every prefix that the origin
//     producer permits, publishes what is announced there, and subscribes upstream to a
//     track once a local reader asks for it;
//   - PROBE streams carry what each side measures to the other (probe.go), and GOAWAY that one of
//     them is about to leave (goaway.go).
//
// What differs between the versions is in dialect.go and, for announce streams, in
// dialect_announce.go. What one peer may make a session
// hold is in [Limits].
//
// # Limitations
//
// Datagrams are not part of the package yet: they are not read. A fetch is answered from the cache
// only. A sender never pads its traffic to measure more (level 2 of PROBE).
//
// moq-lite-01 and -02 can say nothing about a subscription but its priority, and nothing at all once it
// stands: what else the local readers want does not reach the peer, and the groups come from
// the latest one on.
package lite
