package quicdec

// maxUpdates is how many key updates ahead are tried, for captures that lost packets.
const maxUpdates = 3

// generations opens the 1-RTT packets of one direction across key updates (RFC 9001 section 6).
type generations struct {
	version uint32
	suite   Suite
	hp      headerKey // key updates leave it alone

	first   int // generation of keys[0]
	keys    []*packetKeys
	secret  []byte // of the last of keys
	current int
}

func newGenerations(version uint32, suite Suite, secret []byte) (*generations, error) {
	k, err := newKeys(version, suite, secret)
	if err != nil {
		return nil, err
	}
	return &generations{version: version, suite: suite, hp: k.hp, keys: []*packetKeys{k}, secret: secret}, nil
}

// at returns the keys of a generation, or nil when they are gone.
func (g *generations) at(n int) *packetKeys {
	if n < g.first {
		return nil
	}
	for n >= g.first+len(g.keys) {
		secret, err := nextSecret(g.version, g.suite, g.secret)
		if err != nil {
			return nil
		}
		k, err := newKeys(g.version, g.suite, secret)
		if err != nil {
			return nil
		}
		g.secret = secret
		g.keys = append(g.keys, k)
	}
	return g.keys[n-g.first]
}

// open tries the generations that the key phase bit allows, the likeliest first.
func (g *generations) open(dst, packet []byte, h header) ([]byte, bool) {
	tries := [...]int{g.current, g.current + 1, g.current - 1, g.current + 2, g.current + maxUpdates}
	for _, n := range tries {
		if n < 0 || n&1 != h.phase() {
			continue
		}
		k := g.at(n)
		if k == nil {
			continue
		}
		if out, ok := k.open(dst, packet, h); ok {
			g.advance(n)
			return out, true
		}
	}
	return nil, false
}

// advance makes n current and keeps the generation before it, for packets that were overtaken.
func (g *generations) advance(n int) {
	if n <= g.current {
		return
	}
	g.current = n
	if drop := n - 1 - g.first; drop > 0 {
		g.keys = append([]*packetKeys(nil), g.keys[drop:]...)
		g.first += drop
	}
}
