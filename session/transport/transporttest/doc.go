// Package transporttest is the conformance suite of the carriers: one set of tests that every
// implementation of transport.Conn passes, each in both directions.
//
//	func TestConformance(t *testing.T) {
//		transporttest.Run(t, func(t *testing.T, maxUni int) (client, server transport.Conn) {
//			return memory.Config{MaxUniStreams: maxUni}.Pair()
//		})
//	}
//
// [RunInBubbles] does so in bubbles of testing/synctest, [Seeds] runs any test once per seed.
// [Urgencies] shows, over a path in virtual time, that streams share it by their priorities; [Network] makes connections
// over loopback for Run.
//
// It waits for events only; a carrier that never delivers one fails after ten seconds.
package transporttest
