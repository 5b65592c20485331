package lite

import (
	"encoding/hex"
	"strings"
	"testing"
	"testing/synctest"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
)

// What no message can carry costs itself and nothing else: names of one peer may become too long below
// the root of another.
func TestBroadcastThatCannotBeAnnouncedHidesNoOther(t *testing.T) {
	for name, path := range map[string]model.Path{
		"not UTF-8": "a\xff",
		"too long":  model.Path(strings.Repeat("x", 1<<16)),
	} {
		t.Run(name, func(t *testing.T) {
			forEachVersion(t, func(t *testing.T, v genlite.Version) {
				r := newRig(t, v)
				before, err := r.origin.CreateBroadcast("b"+path, model.Route{})
				must(t, err)
				heard := record(r.watches(""))
				synctest.Wait()
				after, err := r.origin.CreateBroadcast(path, model.Route{})
				must(t, err)
				synctest.Wait()
				r.publish("good", "video")
				synctest.Wait()
				must(t, before.Finish())
				must(t, after.Finish())
				synctest.Wait()
				want := unhex(t, emptyAnswer(v))
				want = r.encode(want, active(v, "good"))
				if data, end := heard.said(); data != hex.EncodeToString(want) || end != "" {
					t.Errorf("said %.80s %s, want %x", data, end, want)
				}
			})
		})
	}
}
