package soak

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
)

// A source is a track of one life of a publisher.
type source struct {
	publisher uint32
	life      uint32
	track     string
}

const (
	video = "video" // groups of several frames
	audio = "audio" // groups of one small frame
)

const header = 4 + 4 + 1 + 8 + 4 // what a frame begins with: its place

// framesIn is how many frames a group has.
func (s source) framesIn(group uint64) int {
	if s.track == audio {
		return 1
	}
	return 1 + int(group*7%5)
}

// payload is what a frame carries: its place, and noise that only this place has.
func (s source) payload(group uint64, frame int) []byte {
	noise := rand.NewPCG(uint64(s.publisher)<<32|uint64(s.life), group<<8|uint64(frame))
	b := make([]byte, 0, header+s.size(noise.Uint64()))
	b = binary.BigEndian.AppendUint32(b, s.publisher)
	b = binary.BigEndian.AppendUint32(b, s.life)
	b = append(b, s.track[0])
	b = binary.BigEndian.AppendUint64(b, group)
	b = binary.BigEndian.AppendUint32(b, uint32(frame))
	for len(b)+8 <= cap(b) {
		b = binary.LittleEndian.AppendUint64(b, noise.Uint64())
	}
	return b
}

// size is how much noise a frame has. Some frames need many packets.
func (s source) size(random uint64) int {
	switch {
	case s.track == audio:
		return int(random % 200)
	case random%64 == 0:
		return 30_000
	default:
		return int(random % 1500)
	}
}

// sourceOf is what a payload says about where it comes from.
func sourceOf(payload []byte) (s source, err error) {
	if len(payload) < header {
		return s, fmt.Errorf("a frame of %d bytes", len(payload))
	}
	s.publisher = binary.BigEndian.Uint32(payload)
	s.life = binary.BigEndian.Uint32(payload[4:])
	switch payload[8] {
	case video[0]:
		s.track = video
	case audio[0]:
		s.track = audio
	default:
		return s, fmt.Errorf("a frame of track %q", payload[8])
	}
	return s, nil
}

// A cursor checks what one reader gets: all from one source, no group twice, and every frame bit for
// bit.
type cursor struct {
	publisher uint32
	track     string

	from *source // known with the first frame
	seen map[uint64]bool
}

func (c *cursor) group(sequence uint64) error {
	if c.seen[sequence] {
		return fmt.Errorf("group %d comes twice", sequence)
	}
	c.seen[sequence] = true
	return nil
}

func (c *cursor) frame(sequence uint64, index int, payload []byte) error {
	if c.from == nil {
		s, err := sourceOf(payload)
		if err != nil {
			return err
		}
		if s.publisher != c.publisher || s.track != c.track {
			return fmt.Errorf("a frame of %+v", s)
		}
		c.from = &s
	}
	if want := c.from.payload(sequence, index); !bytes.Equal(payload, want) {
		return fmt.Errorf("frame %d of group %d of %+v has %d bytes, want %d, and differs from byte %d on",
			index, sequence, *c.from, len(payload), len(want), common(payload, want))
	}
	return nil
}

// common is how many bytes at the beginning are the same.
func common(a, b []byte) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// end checks how many frames a finished group has had.
func (c *cursor) end(sequence uint64, frames int) error {
	if c.from == nil {
		return fmt.Errorf("group %d is empty", sequence)
	}
	if want := c.from.framesIn(sequence); frames != want {
		return fmt.Errorf("group %d ends after %d frames, want %d", sequence, frames, want)
	}
	return nil
}
