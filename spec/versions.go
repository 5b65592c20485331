package spec

import (
	"fmt"
	"math/bits"
	"strings"
)

// Set is a set of versions, by number: bit n stands for version n. Numbers go up to 63.
type Set uint64

// Has tells whether version n is in s.
func (s Set) Has(n int) bool { return n >= 0 && n < 64 && s&(1<<n) != 0 }

// With is s and version n.
func (s Set) With(n int) Set { return s | 1<<n }

// Numbers lists the versions of s, lowest first.
func (s Set) Numbers() []int {
	var list []int
	for ; s != 0; s &= s - 1 {
		list = append(list, bits.TrailingZeros64(uint64(s)))
	}
	return list
}

// Run is a run of versions of a family that follow each other, both ends included.
type Run struct{ From, To int }

// Runs splits s into runs of neighbors within all, lowest first. Gaps in all do not part a
// run: what has no version needs no condition.
func (s Set) Runs(all Set) []Run {
	var runs []Run
	open := false
	for _, n := range all.Numbers() {
		switch {
		case !s.Has(n):
			open = false
		case open:
			runs[len(runs)-1].To = n
		default:
			runs = append(runs, Run{n, n})
			open = true
		}
	}
	return runs
}

// Format writes s as a spec file does: 14, 14-16, 17+. width pads the numbers with zeros.
func (s Set) Format(all Set, width int) string {
	numbers := all.Numbers()
	if len(numbers) == 0 || s&all == 0 {
		return "none"
	}
	last := numbers[len(numbers)-1]
	var parts []string
	for _, r := range s.Runs(all) {
		from := fmt.Sprintf("%0*d", width, r.From)
		switch {
		case r.From == r.To:
			parts = append(parts, from)
		case r.To == last:
			parts = append(parts, from+"+")
		default:
			parts = append(parts, from+"-"+fmt.Sprintf("%0*d", width, r.To))
		}
	}
	return strings.Join(parts, ", ")
}

// rangeText is one range as it stands in the text. to is -1 when it is open.
type rangeText struct {
	from, to int
	pos      Pos
}

func (r rangeText) String() string {
	switch r.to {
	case r.from:
		return fmt.Sprintf("%02d", r.from)
	case -1:
		return fmt.Sprintf("%02d+", r.from)
	}
	return fmt.Sprintf("%02d-%02d", r.from, r.to)
}
