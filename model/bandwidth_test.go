package model_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"testing/synctest"

	"github.com/moqrx/moqrx/model"
)

func TestBandwidth(t *testing.T) {
	t.Run("a reader sees the value once, and each that differs", func(t *testing.T) {
		p := model.NewBandwidth()
		c := p.Consume()
		_, ok, err := c.TryChanged()
		if ok || err != nil {
			t.Errorf("unknown is news: %v %v", ok, err)
		}
		wantNil(t, p.Set(model.BitsPerSecond(0)))
		want(t, "a measured 0", must(c.Changed(t.Context())), model.BitsPerSecond(0))
		wantNil(t, p.Set(model.BitsPerSecond(5)))
		wantNil(t, p.Set(model.BitsPerSecond(7)))
		want(t, "the newest", must(c.Changed(t.Context())), model.BitsPerSecond(7))
		changed := c.Wait()
		wantNil(t, p.Set(model.BitsPerSecond(7)))
		select {
		case <-changed:
			t.Error("an equal value wakes")
		default:
		}
		wantNil(t, p.Set(model.Bitrate{BitsPerSecond: 3}))
		want(t, "unknown again", must(c.Changed(t.Context())), model.Bitrate{})
		want(t, "peek", p.Peek(), c.Peek())
	})
	t.Run("a new reader sees a value that is there, a clone what it has not seen", func(t *testing.T) {
		p := model.NewBandwidth()
		wantNil(t, p.Set(model.BitsPerSecond(5)))
		c := p.Consume()
		want(t, "new", must(c.Changed(t.Context())), model.BitsPerSecond(5))
		clone := c.Clone()
		if _, ok, _ := clone.TryChanged(); ok {
			t.Error("the clone sees a value again")
		}
		wantNil(t, p.Set(model.BitsPerSecond(6)))
		want(t, "clone", must(clone.Changed(t.Context())), model.BitsPerSecond(6))
		want(t, "original", must(c.Changed(t.Context())), model.BitsPerSecond(6))
	})
	t.Run("16.19/305 the end is not unknown", func(t *testing.T) {
		p := model.NewBandwidth()
		c := p.Consume()
		wantNil(t, p.Set(model.BitsPerSecond(5)))
		clone := p.Clone()
		wantNil(t, p.Close())
		wantNil(t, p.Close())
		wantErr(t, p.Set(model.BitsPerSecond(6)), model.ErrClosed)
		wantNil(t, clone.Set(model.BitsPerSecond(6)))
		wantNil(t, clone.Close())
		var seen []string
		for v, err := range c.All(t.Context()) {
			seen = append(seen, fmt.Sprint(v, err))
		}
		want(t, "the last value", fmt.Sprint(seen), "[6 bit/s <nil>]")
		_, err := c.Changed(t.Context())
		wantErr(t, err, io.EOF)
		want(t, "peek after the end", c.Peek(), model.BitsPerSecond(6))
		<-c.Wait()
		wantErr(t, p.Used(t.Context()), model.ErrClosed)
	})
}

func TestBandwidthWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := model.NewBandwidth()
		got := make(chan string, 9)
		c := p.Consume()
		go func() { v, err := c.Changed(t.Context()); got <- fmt.Sprint(v, err) }()
		synctest.Wait()
		wantNil(t, p.Set(model.BitsPerSecond(1)))
		want(t, "a value", <-got, "1 bit/s <nil>")

		go func() { _, err := c.Changed(t.Context()); got <- fmt.Sprint(err) }()
		synctest.Wait()
		wantNil(t, c.Close())
		wantNil(t, c.Close())
		want(t, "closed meanwhile", <-got, "call through a closed handle: closed")
		_, ok, err := c.Clone().TryChanged()
		if ok {
			t.Error("the clone of a closed reader reads")
		}
		wantErr(t, err, model.ErrClosed)

		ctx, cancel := context.WithCancel(t.Context())
		d := p.Consume()
		must(d.Changed(ctx))
		go func() { _, err := d.Changed(ctx); got <- fmt.Sprint(err) }()
		synctest.Wait()
		cancel()
		want(t, "canceled", <-got, "context canceled")
	})
}

func TestBandwidthDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := model.NewBandwidth()
		wantNil(t, p.Unused(t.Context()))
		used := make(chan error, 1)
		go func() { used <- p.Used(t.Context()) }()
		synctest.Wait()
		c := p.Consume()
		wantNil(t, <-used)
		go func() { used <- p.Unused(t.Context()) }()
		synctest.Wait()
		d := c.Clone()
		wantNil(t, c.Close())
		synctest.Wait()
		want(t, "answers while a clone is open", len(used), 0)
		wantNil(t, d.Close())
		wantNil(t, <-used)
		go func() { used <- p.Used(t.Context()) }()
		synctest.Wait()
		wantNil(t, p.Close())
		wantErr(t, <-used, model.ErrClosed)
	})
}
