package stats

import (
	"maps"
	"testing"

	"github.com/moqrx/moqrx/model"
	"pgregory.net/rapid"
)

// slot is one set of counters.
type slot struct {
	path model.Path
	tier Tier
	role Role
}

// oracle is what a registry should say, kept without any of its tricks.
type oracle struct {
	r      *registry
	now    map[slot]Counters // forgotten with its path
	told   map[slot]Counters
	totals [tiers][roles]Counters
	open   []open
}

type open struct {
	slot
	guard *guard
	ends  func(*Counters)
}

// Any sequence of guards that come and go is listed exactly while it is open or news, sums up to
// the same totals, and leaves nothing behind.
func TestRegistryAgreesWithAnOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := &oracle{r: newRegistry(model.NewPathPrefixes(".stats")), now: map[slot]Counters{}, told: map[slot]Counters{}}
		t.Repeat(map[string]func(*rapid.T){
			"":        o.checkTotals,
			"open":    o.begin,
			"close":   o.end,
			"collect": o.collect,
		})
		for len(o.open) > 0 {
			o.close(0)
		}
		o.collect(t)
		if len(o.r.broadcasts) != 0 {
			t.Errorf("%d broadcasts are left", len(o.r.broadcasts))
		}
		o.checkTotals(t)
	})
}

func (o *oracle) count(s slot, f func(*Counters)) {
	c := o.now[s]
	f(&c)
	o.now[s] = c
	f(&o.totals[s.tier][s.role])
}

func (o *oracle) begin(t *rapid.T) {
	s := slot{
		rapid.SampledFrom([]model.Path{"", "a", "a/b", "c"}).Draw(t, "path"),
		Tier(rapid.IntRange(0, tiers-1).Draw(t, "tier")), Role(rapid.IntRange(0, roles-1).Draw(t, "role")),
	}
	b := Handle{o.r, s.tier}.Broadcast(s.path)
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		o.count(s, func(c *Counters) { c.Announced++ })
		o.open = append(o.open, open{s, b.announced(s.role), func(c *Counters) { c.AnnouncedClosed++ }})
	case 1:
		o.count(s, func(c *Counters) { c.Subscriptions++; c.Bytes += 5 })
		track := b.subscription(s.role)
		track.Bytes(5)
		o.open = append(o.open, open{s, (*guard)(track), func(c *Counters) { c.SubscriptionsClosed++ }})
	case 2:
		o.count(s, func(c *Counters) { c.Fetches++ })
		o.open = append(o.open, open{s, (*guard)(b.fetch(s.role)), func(*Counters) {}})
	default:
		o.count(s, func(c *Counters) { c.AnnouncedBytes += uint64(len(s.path)) })
		b.announceBytes(s.role)
	}
}

func (o *oracle) end(t *rapid.T) {
	if len(o.open) == 0 {
		t.Skip("nothing is open")
	}
	o.close(rapid.IntRange(0, len(o.open)-1).Draw(t, "which"))
}

func (o *oracle) close(i int) {
	g := o.open[i]
	o.open = append(o.open[:i], o.open[i+1:]...)
	o.count(g.slot, g.ends)
	g.guard.close()
}

func (o *oracle) collect(t *rapid.T) {
	want, got := map[slot]Counters{}, map[slot]Counters{}
	for s, c := range o.now {
		if c.live() || c != o.told[s] {
			want[s] = c
		}
	}
	for key, g := range o.r.collect(1, false) {
		for tier, sides := range g.traffic {
			for role, traffic := range sides {
				for path, c := range traffic {
					got[slot{path, Tier(tier), Role(role)}] = c
					if first, _, _ := path.NextPart(); first != key.String() {
						t.Errorf("%q is listed under %q", path, key)
					}
				}
			}
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("listed:\n got %+v\nwant %+v", got, want)
	}
	o.told = maps.Clone(o.now)
	held := map[model.Path]bool{}
	for _, g := range o.open {
		held[g.path] = true
	}
	for s := range o.now {
		if !held[s.path] {
			delete(o.now, s)
			delete(o.told, s)
		}
	}
}

func (o *oracle) checkTotals(t *rapid.T) {
	s := &Stats{registry: o.r}
	for _, x := range s.Host().Traffic {
		if x.Counters != o.totals[x.Tier][x.Role] {
			t.Errorf("total of %v %v:\n got %+v\nwant %+v", x.Tier, x.Role, x.Counters, o.totals[x.Tier][x.Role])
		}
	}
}
