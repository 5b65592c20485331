package interop

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// A plan says what is published, and where. Peers get it as JSON.
type plan struct {
	URL         string      `json:"url"`
	Certificate string      `json:"certificate,omitempty"` // SHA-256 in hex
	Protocols   []string    `json:"protocols,omitempty"`   // tokens, for @moq/net
	Versions    []string    `json:"-"`                     // the same for sessions of Go
	Broadcast   string      `json:"broadcast"`
	Tracks      []trackPlan `json:"tracks"`

	// Where and with what a peer listens that is a server, in PEM.
	Listen string `json:"listen,omitempty"`
	Cert   string `json:"cert,omitempty"`
	Key    string `json:"key,omitempty"`
}

// A trackPlan lists the groups of a track as the sizes of their frames. Group 0 is not in the
// list: it is one frame of one byte, there before anyone subscribes, and tells a subscriber
// that it is attached. The groups of the list follow with sequences from 1.
type trackPlan struct {
	Name      string  `json:"name"`
	Timescale uint64  `json:"timescale"`
	Groups    [][]int `json:"groups"`
}

// tracks are what every run publishes.
func tracks() []trackPlan {
	long := make([]int, 200)
	for i := range long {
		long[i] = 100 + i
	}
	return []trackPlan{
		{Name: "small", Timescale: 1000, Groups: repeat(3, []int{0, 1, 63, 1200})},
		{Name: "long", Timescale: 90_000, Groups: [][]int{long}},
		{Name: "large", Timescale: 1_000_000, Groups: repeat(3, []int{300_000, 300_000})},
	}
}

func repeat(n int, sizes []int) [][]int {
	groups := make([][]int, n)
	for i := range groups {
		groups[i] = sizes
	}
	return groups
}

// sizes are the frame sizes of a group, group 0 among them.
func (t trackPlan) sizes(group uint64) ([]int, bool) {
	switch {
	case group == 0:
		return []int{1}, true
	case group <= uint64(len(t.Groups)):
		return t.Groups[group-1], true
	default:
		return nil, false
	}
}

func (p plan) track(name string) (trackPlan, bool) {
	for _, t := range p.Tracks {
		if t.Name == name {
			return t, true
		}
	}
	return trackPlan{}, false
}

// timestamp is the time of a frame in units of its track's timescale.
func timestamp(group uint64, index int) uint64 {
	return group*1000 + uint64(index)
}

// payload makes the bytes of one frame: AES-128 in counter mode over zeros, with a key that
// names the frame. The Node peers make the same bytes (payload in peer.mjs).
func payload(track string, group uint64, index, size int) []byte {
	key := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%d", track, group, index))
	block, err := aes.NewCipher(key[:16])
	if err != nil {
		panic(err) // the key has the right size
	}
	bytes := make([]byte, size)
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(bytes, bytes)
	return bytes
}

func digest(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}
