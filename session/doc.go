// Package session runs Media over QUIC sessions: it agrees on a version with the peer, serves
// the broadcasts of an origin to it, and puts the broadcasts of the peer into an origin.
//
// # Usage
//
// A client dials a URL; https is WebTransport, moqt and moql are raw QUIC:
//
//	origin := model.NewOrigin()
//	s, err := session.Dial(ctx, "https://relay.example/room", session.WithOrigin(origin))
//
// A server listens for both on one UDP port and looks at each request before it grants
// anything. What it grants are handles of origins that are scoped and rooted for the client:
//
//	l, err := session.Listen("127.0.0.1:4443")
//	err = l.Serve(ctx, func(ctx context.Context, r *session.Request) (session.Grant, error) {
//		if !allowed(r.RawQuery()) {
//			return session.Grant{}, model.ErrUnauthorized
//		}
//		return session.GrantRoot(origin, r.Path())
//	})
//
// [Listener.Accept], [Request.Accept] and [Request.Reject] are the same step by step.
//
// [WithPublish] alone serves and never asks, [WithConsume] alone asks and never serves. Origins
// outlive sessions: what the peer announced leaves the origin when the session ends, and
// nothing else. [Reconnect] dials again for them, also when the server asks with a GOAWAY:
//
//	origin := model.NewOrigin(model.WithLinger(10 * time.Second)) // readers wait so long
//	err := session.Reconnect(ctx, "https://relay.example/room", session.WithOrigin(origin))
//
// [Session.Close] ends a session at once and may cut short what is on its way. A publisher that has
// finished its tracks ends it with [Session.Shutdown], which waits until the peer has everything. A
// server that has to go does it with [Listener.Shutdown], which moves its clients elsewhere before.
//
// [Session.SendBandwidth] and [Session.RecvBandwidth] tell what the connection is estimated to carry,
// [Session.Stats] what was measured of it.
//
// [Client] and [Server] run a session on a connection that is there already, such as one of
// session/transport/memory.
//
// # Options
//
// One set of options is for [Dial], [Reconnect], [Client], [Listen], [Server] and [Request.Accept]; what does not apply
// is ignored. Those of Accept add to those of the listener.
//
//   - What is carried: [WithPublish], [WithConsume], [WithOrigin].
//   - Which versions: [WithVersions].
//   - Certificates: [WithCertificate] of a listener; [WithFingerprint] and [WithInsecure] of a client; [WithTLSConfig].
//   - What a peer may do: [WithLimits]. By default it is what a server can grant to anybody.
//   - Routes: [WithCost] of the link, [WithPeerOrigin] for peers that do not say who they are.
//   - Coming back: [WithBackoff], [WithMaxElapsed], [WithRedirect], [WithStatus] and [WithDialer], of Reconnect.
//   - Leaving: [WithGrace] of [Listener.Serve]; [WithNewURI] of [Session.Shutdown] and [Listener.Shutdown].
//   - Looking on: [WithStats] counts, [WithLogger] logs what is odd, [WithQlog] writes traces of the events of QUIC and of the
//     session, [WithCapture] records the packets, [WithKeyLog] the secrets.
//   - Without a URL: [WithPath] of Client.
//
// # Concurrency
//
// All methods of sessions, listeners and requests may be called concurrently. Handles of origins that are given to an option
// stay the caller's, who keeps them open until the session is over; those in a [Grant] become the server's.
//
// # Errors
//
// A session that ends with code 0 ended cleanly: [Session.Err] is io.EOF, [Session.Wait] is nil.
// Any other end is an [*Error] with the code, the reason and whether the peer said so;
// errors.Is compares its code with the errors of package model.
//
// # Versions
//
// Sessions speak moq-lite (draft-lcurley-moq-lite) from 01 to 05, and 06 where both sides ask for
// [MoqLite06WIP]. One set of [Versions] says which, and drives every way of agreeing on one: the ALPN of raw QUIC,
// the protocols of WebTransport, and, for 01 and 02, the SETUP exchange that follows when those leave it
// open. Where nothing is in common, both sides fail with model.ErrVersion and a text that names
// what each has; a token that nobody knows is model.ErrUnknownALPN.
//
// # Limitations
//
// WebSocket is refused. Datagrams, and fetches of groups that are not cached, need moq-lite-05: before
// that datagrams are not sent, and a fetch is refused with code 9. Nothing is sent to find out whether a
// connection carries more than it has to (level 2 of PROBE).
// Versions before moq-lite-04 carry no origin ids, so relays that form a circle over them announce each
// other's broadcasts back to where they came from: use moq-lite-04 or later between relays.
// In moq-lite-01 and -02 a subscription tells nothing but its priority, once: it begins with the latest
// group.
package session
