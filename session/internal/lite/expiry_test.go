package lite

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
)

// A finished track has more groups than may be in flight, and takes longer than it keeps groups that are old: the
// subscriber takes what the path lets through, and gets all of it.
func TestLongTrackOverASlowPathIsComplete(t *testing.T) {
	for _, ordered := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			const many = 200
			change, _ := slow(nil)
			r := newRig(t, genlite.Version05, change)
			_, track := r.publish("alice", "video")
			for i := range uint64(many) {
				g, err := track.CreateGroup(i)
				must(t, err)
				must(t, g.WriteFrame(model.Frame{Payload: []byte(strings.Repeat("x", 20_000))}))
				must(t, g.Finish())
			}
			must(t, track.Finish())
			groups := r.arrivals()
			r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{Broadcast: "alice", Track: "video", Ordered: ordered, StartGroup: wire.Some[uint64](0)})
			time.Sleep(time.Minute)
			synctest.Wait()
			groups.mu.Lock()
			defer groups.mu.Unlock()
			if len(groups.ended) != many {
				t.Errorf("ordered %v: %d of %d groups arrived, %v were reset", ordered, len(groups.ended), many, groups.codes)
			}
		})
	}
}
