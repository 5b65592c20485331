// Package moqtest is what the tests that cross packages have in common.
//
//	_, track := moqtest.Publish(t, origin, "room/alice", "video", model.TrackInfo{})
//	reader := moqtest.Subscribe(ctx, t, far.Consume(), "room/alice", "video", model.Subscription{})
//
// # Limitations
//
// Everything here ends a test that fails, so it is for the goroutine of the test. Tests beside the code that they test
// cannot import it: their helpers are their own.
package moqtest
