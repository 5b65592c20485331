package model

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestOriginTreeIsPruned(t *testing.T) {
	o := NewOrigin()
	a := o.Consume().Announcements()
	b, err := o.CreateBroadcast("a/b/c", Route{})
	if err != nil {
		t.Fatal(err)
	}
	room, err := o.Consume().Scope("a/b", "x/y")
	if err != nil {
		t.Fatal(err)
	}
	scoped := room.Announcements()
	_ = b.Close()
	_ = scoped.Close()
	if len(o.o.root.children) > 0 {
		t.Errorf("%d children are left of an empty origin", len(o.o.root.children))
	}
	_ = a.Close()
	if !o.o.root.empty() {
		t.Error("the root of an empty origin still holds something")
	}
}

// Who has seen that a served broadcast ended gets another one, though the origin has yet to be told.
func TestRequestAfterTheEndOfWhatWasServed(t *testing.T) {
	slow, o := NewOrigin(), NewOrigin()
	d, b := o.Dynamic(), NewBroadcast(Route{})
	c := b.Consume()
	if err := slow.PublishBroadcast("x", c); err != nil {
		t.Fatal(err)
	}
	answer := func() {
		r, err := d.RequestedBroadcast(t.Context())
		if err == nil && b != nil {
			err = r.Accept(c)
		} else if err == nil {
			r.Reject(ErrTimeout)
		}
		if err != nil {
			t.Error(err)
		}
	}
	go answer()
	if _, err := o.Consume().Request(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	slow.o.mu.Lock() // it is told first
	closed := make(chan struct{})
	go func(b *BroadcastProducer) { defer close(closed); _ = b.Close() }(b)
	<-c.Closed()
	b = nil
	go answer()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := o.Consume().Request(ctx, "a")
	slow.o.mu.Unlock()
	<-closed
	if !errors.Is(err, ErrTimeout) {
		t.Errorf("error %v, want %v", err, ErrTimeout)
	}
}

// A source that has come since the others were asked is asked before a track fails.
func TestNoRefusalWhileThereIsMoreToLookAt(t *testing.T) {
	o := NewOrigin()
	for range 2 {
		b, err := o.CreateBroadcast("a", Route{})
		if err != nil {
			t.Fatal(err)
		}
		d := b.Dynamic()
		defer d.Close()
	}
	c, err := o.Consume().Request(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.SubscribeTrack("t", Subscription{})
	if err != nil {
		t.Fatal(err)
	}
	s := r.t.splice
	s.t.mu.Lock()
	s.trial, s.again = nil, true
	s.t.mu.Unlock()
	if s.exhausted(false, false); r.Err() != nil {
		t.Errorf("failed with %v, though another source came", r.Err())
	}
	s.t.mu.Lock()
	s.again = false
	s.t.mu.Unlock()
	if s.exhausted(false, false); !errors.Is(r.Err(), ErrUnroutable) {
		t.Errorf("error %v, want %v", r.Err(), ErrUnroutable)
	}
}
