package model_test

import (
	"slices"

	"github.com/moqrx/moqrx/model"
)

// The oracle: the same rules in the plainest form, with lists that only grow.
type (
	oracleGroup struct {
		seq      uint64
		p        *model.GroupProducer
		frames   []string
		finished bool
		err      error
		replaced bool // an aborted one that was made again
	}
	oracleTrack struct {
		arrivals []*oracleGroup
		boundary model.GroupBound
		err      error
	}
	oracleReader struct {
		sub    model.Subscription
		looked map[*oracleGroup]string // "done" or "parked"
		last   model.GroupBound
	}
	oracleCursor struct {
		g    *oracleGroup
		next int
	}
)

func (o *oracleTrack) edge() (n uint64) {
	for _, g := range o.arrivals {
		n = max(n, g.seq+1)
	}
	return n
}

func (o *oracleTrack) find(seq uint64) *oracleGroup {
	for _, g := range o.arrivals {
		if g.seq == seq && !g.replaced {
			return g
		}
	}
	return nil
}

// admit is the error that creating seq has.
func (o *oracleTrack) admit(seq uint64) error {
	g := o.find(seq)
	switch {
	case o.err != nil:
		return o.err
	case o.boundary.Set && seq >= o.boundary.Sequence:
		return model.ErrClosed
	case g != nil && g.err == nil:
		return model.ErrDuplicate
	case g != nil:
		g.replaced = true
	}
	return nil
}

// end is what a reader gets that has found nothing; nil is to wait.
func (o *oracleTrack) end(missed bool) error {
	if o.boundary.Set && !missed && (o.edge() >= o.boundary.Sequence) {
		return eof
	}
	return o.err
}

func (o *oracleTrack) recv(r *oracleReader) (*oracleGroup, error) {
	inside := func(g *oracleGroup) (after, before bool) {
		return !r.sub.Start.Set || g.seq >= r.sub.Start.Sequence, !r.sub.End.Set || g.seq <= r.sub.End.Sequence
	}
	missed := false
	var parked []*oracleGroup
	for _, g := range o.arrivals {
		if r.looked[g] != "parked" {
			continue
		}
		if o.err != nil {
			missed = true
			continue
		}
		if after, _ := inside(g); g.replaced || !after {
			r.looked[g] = "done"
			continue
		}
		parked = append(parked, g)
	}
	slices.SortFunc(parked, func(a, b *oracleGroup) int { return int(a.seq) - int(b.seq) })
	for _, g := range parked {
		if _, before := inside(g); before {
			r.looked[g] = "done"
			return g, nil
		}
		missed = true
	}
	for _, g := range o.arrivals {
		if r.looked[g] != "" {
			continue
		}
		if o.err != nil {
			missed = true
			continue
		}
		r.looked[g] = "done"
		if g.replaced {
			continue
		}
		after, before := inside(g)
		if after && before {
			return g, nil
		}
		if after {
			r.looked[g], missed = "parked", true
		}
	}
	return nil, o.end(missed)
}

func (o *oracleTrack) next(r *oracleReader) (*oracleGroup, error) {
	var best *oracleGroup
	for _, g := range o.arrivals {
		wanted := (!r.last.Set || g.seq > r.last.Sequence) && (!r.sub.Start.Set || g.seq >= r.sub.Start.Sequence)
		if wanted && !g.replaced && (best == nil || g.seq < best.seq) {
			best = g
		}
	}
	if best == nil {
		return nil, o.end(false)
	}
	if o.err != nil || (r.sub.End.Set && best.seq > r.sub.End.Sequence) {
		return nil, o.end(true)
	}
	r.last = model.At(best.seq)
	return best, nil
}
