package model_test

import (
	"slices"
	"testing"

	"github.com/moqrx/moqrx/model"
)

func chain(n int) model.OriginList {
	var l model.OriginList
	for i := range n {
		l = append(l, model.OriginID(i+1))
	}
	return l
}

func TestHops(t *testing.T) {
	t.Run("16.1/1 a 33rd hop is refused and the list stays", func(t *testing.T) {
		full := chain(32)
		got, err := full.Push(99)
		wantErr(t, err, model.ErrTooManyOrigins)
		wantErr(t, err, model.ErrBoundsExceeded)
		want(t, "length", len(got), 32)
		want(t, "length", len(full), 32)
	})
	t.Run("16.1/2 32 hops can be published, 33 cannot", func(t *testing.T) {
		o := model.NewOrigin(model.WithOriginID(1000))
		_, err := o.CreateBroadcast("a", model.Route{Hops: chain(33)})
		wantErr(t, err, model.ErrTooManyOrigins)
		_, err = o.CreateBroadcast("a", model.Route{Hops: chain(32)})
		wantNil(t, err)
	})
	t.Run("16.1/3 replace-first changes the first match only", func(t *testing.T) {
		l := model.OriginList{5, 0, 0}
		want(t, "replaced", l.ReplaceFirst(0, 9), true)
		want(t, "list", slices.Equal(l, model.OriginList{5, 9, 0}), true)
	})
	t.Run("16.1/4 replace-first without a match changes nothing", func(t *testing.T) {
		l := model.OriginList{5, 6}
		want(t, "replaced", l.ReplaceFirst(0, 9), false)
		want(t, "list", slices.Equal(l, model.OriginList{5, 6}), true)
	})
	t.Run("16.1/5 ids 0 and 2^62 are refused", func(t *testing.T) {
		for _, v := range []uint64{0, 1 << 62, 1<<64 - 1} {
			_, err := model.NewOriginID(v)
			wantErr(t, err, model.ErrBoundsExceeded)
		}
		id, err := model.NewOriginID(1<<62 - 1)
		wantNil(t, err)
		want(t, "text", id.String(), "4611686018427387903")
	})
	t.Run("random ids fit a double", func(t *testing.T) {
		for range 1000 {
			if id := model.RandomOriginID(); id == 0 || id >= 1<<53 {
				t.Fatalf("id %d outside 1..2^53-1", id)
			}
		}
	})
	t.Run("push and clone share nothing, 0 is never contained", func(t *testing.T) {
		a := model.OriginList{1, 0}
		b, c := must(a.Push(2)), must(a.Push(3))
		want(t, "b", slices.Equal(b, model.OriginList{1, 0, 2}), true)
		want(t, "c", slices.Equal(c, model.OriginList{1, 0, 3}), true)
		a.Clone()[0] = 9
		want(t, "contains 1", a.Contains(1), true)
		want(t, "contains 0", a.Contains(0), false)
	})
}

func TestOriginIdentity(t *testing.T) {
	o := model.NewOrigin(model.WithOriginID(7))
	want(t, "producer", o.ID(), model.OriginID(7))
	want(t, "consumer", o.Consume().ID(), model.OriginID(7))
	if id := model.NewOrigin(model.WithOriginID(0)).ID(); id == 0 {
		t.Error("an origin without an id of its own")
	}
	_, err := o.CreateBroadcast("a", model.Route{Hops: model.OriginList{3, 7}})
	wantErr(t, err, model.ErrLoop)
	wantErr(t, err, model.ErrProtocolViolation)
}
