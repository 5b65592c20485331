package model_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"weak"

	"github.com/moqrx/moqrx/model"
)

func TestAnsweredRequestComesBeforeTheEndOfAContext(t *testing.T) {
	o := model.NewOrigin()
	d := o.Dynamic()
	b := model.NewBroadcast(model.Route{})
	first := make(chan error, 1)
	go func() {
		r, err := d.RequestedBroadcast(bg)
		if err == nil {
			err = r.Accept(b.Consume())
		}
		first <- err
	}()
	must(o.Consume().Request(bg, "a"))
	wantNil(t, <-first)
	ctx, cancel := context.WithCancel(bg)
	cancel()
	for range 100 { // a select takes either
		c, err := o.Consume().Request(ctx, "a")
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
	}
}

func TestAnnounced(t *testing.T) {
	t.Run("16.4/53 at once when it is there", func(t *testing.T) {
		o := model.NewOrigin()
		b := publish(t, o, "a/b", model.Route{})
		want(t, "broadcast", model.Serving(must(o.Consume().Announced(bg, "a/b")), b), true)
	})
	waits := func(name, wait string, not ...string) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := model.NewOrigin()
				var got *model.BroadcastConsumer
				done := later(func() { got = must(o.Consume().Announced(bg, model.Path(wait))) })
				for _, path := range not {
					publish(t, o, path, model.Route{})
				}
				off := publish(t, o, wait, model.Route{Offline: true})
				want(t, "returned early", done(), false)
				off.SetRoute(model.Route{})
				want(t, "returned", done(), true)
				want(t, "broadcast", model.Serving(got, off), true)
			})
		})
	}
	waits("16.4/54 later when it comes later", "foo")
	waits("16.4/55 unrelated paths do not count", "foo", "bar", "fo", "foobar")
	waits("16.4/56 nor do nested ones", "foo", "foo/bar", "foo/bar/baz")
	t.Run("16.4/57 a path outside the scope cannot come", func(t *testing.T) {
		c := must(model.NewOrigin().Consume().Scope("foo/specific"))
		for _, p := range []model.Path{"other", "foo/spec", "foo/specifically"} {
			_, err := c.Announced(bg, p)
			wantErr(t, err, model.ErrUnauthorized)
		}
	})
	t.Run("16.4/58 nor one that the scope is too narrow for", func(t *testing.T) {
		_, err := must(model.NewOrigin().Consume().Scope("foo/specific")).Announced(bg, "foo")
		wantErr(t, err, model.ErrUnauthorized)
	})
	t.Run("the wait ends with the origin and with its context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := model.NewOrigin()
			ctx, cancel := context.WithCancel(t.Context())
			one := later(func() { _, err := o.Consume().Announced(ctx, "a"); wantErr(t, err, context.Canceled) })
			two := later(func() { _, err := o.Consume().Announced(bg, "a"); wantErr(t, err, model.ErrDropped) })
			cancel()
			want(t, "given up", one(), true)
			want(t, "waiting", two(), false)
			wantNil(t, o.Close())
			want(t, "closed", two(), true)
		})
	})
}

// demand takes the oldest request for a path.
func demand(t *testing.T, d *model.OriginDynamic, path model.Path) *model.BroadcastRequest {
	t.Helper()
	synctest.Wait()
	r, ok, err := d.TryRequestedBroadcast()
	wantNil(t, err)
	if !ok {
		t.Fatalf("no request for %q", path)
	}
	want(t, "requested", r.Path(), path)
	return r
}

func noDemand(t *testing.T, d *model.OriginDynamic) {
	t.Helper()
	synctest.Wait()
	if r, ok, _ := d.TryRequestedBroadcast(); ok {
		t.Errorf("another request, for %q", r.Path())
	}
}

// ask requests a path in the background; the result is ready when the returned
// function says so.
func ask(o *model.OriginProducer, path model.Path) (result func() (*model.BroadcastConsumer, error, bool)) {
	var b *model.BroadcastConsumer
	var err error
	done := later(func() { b, err = o.Consume().Request(bg, path) })
	return func() (*model.BroadcastConsumer, error, bool) {
		if !done() {
			return nil, nil, false
		}
		return b, err, true
	}
}

func TestOriginDynamic(t *testing.T) {
	run := func(name string, f func(*testing.T, *model.OriginProducer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, model.NewOrigin()) })
		})
	}
	wantServed := func(t *testing.T, result func() (*model.BroadcastConsumer, error, bool), b *model.BroadcastProducer) {
		t.Helper()
		c, err, ok := result()
		wantNil(t, err)
		want(t, "answered", ok, true)
		want(t, "served", ok && err == nil && c.IsClone(b.Consume()), true)
	}
	wantRefused := func(t *testing.T, result func() (*model.BroadcastConsumer, error, bool), reason error) {
		t.Helper()
		_, err, ok := result()
		want(t, "answered", ok, true)
		wantErr(t, err, reason)
	}
	run("16.4/59 nobody to ask", func(t *testing.T, o *model.OriginProducer) {
		_, err := o.Consume().Request(bg, "a")
		wantErr(t, err, model.ErrUnroutable)
	})
	run("16.4/60 served and never announced", func(t *testing.T, o *model.OriginProducer) {
		a := o.Consume().Announcements()
		d := o.Dynamic()
		result := ask(o, "a")
		r := demand(t, d, "a")
		b := model.NewBroadcast(model.Route{})
		wantNil(t, r.Accept(b.Consume()))
		wantServed(t, result, b)
		wantEvents(t, a)
		wantErr(t, r.Accept(b.Consume()), model.ErrClosed)
		r.Reject(model.ErrTimeout) // answered already
	})
	run("16.4/61 two requests for one path are one", func(t *testing.T, o *model.OriginProducer) {
		d := o.Dynamic()
		one, two := ask(o, "a"), ask(o, "a")
		r := demand(t, d, "a")
		noDemand(t, d)
		b := model.NewBroadcast(model.Route{})
		wantNil(t, r.Accept(b.Consume()))
		wantServed(t, one, b)
		wantServed(t, two, b)
	})
	run("16.4/70 and so is one that comes after the pick-up", func(t *testing.T, o *model.OriginProducer) {
		d := o.Dynamic()
		one := ask(o, "a")
		r := demand(t, d, "a")
		two := ask(o, "a")
		noDemand(t, d)
		b := model.NewBroadcast(model.Route{})
		wantNil(t, r.Accept(b.Consume()))
		wantServed(t, one, b)
		wantServed(t, two, b)
	})
	run("16.4/62 a refusal reaches who asked", func(t *testing.T, o *model.OriginProducer) {
		d := o.Dynamic()
		result := ask(o, "a")
		demand(t, d, "a").Reject(model.ErrUnauthorized)
		wantRefused(t, result, model.ErrUnauthorized)
	})
	run("16.4/72 after a refusal the handler is asked afresh", func(t *testing.T, o *model.OriginProducer) {
		d := o.Dynamic()
		result := ask(o, "a")
		demand(t, d, "a").Reject(nil)
		wantRefused(t, result, model.ErrUnroutable)
		result = ask(o, "a")
		b := model.NewBroadcast(model.Route{})
		wantNil(t, demand(t, d, "a").Accept(b.Consume()))
		wantServed(t, result, b)
	})
	run("16.4/63 the last handler to go fails what is queued", func(t *testing.T, o *model.OriginProducer) {
		d := o.Dynamic()
		result := ask(o, "a")
		_, _, ok := result()
		want(t, "answered early", ok, false)
		wantNil(t, d.Close())
		wantNil(t, d.Close())
		wantRefused(t, result, model.ErrUnroutable)
		_, err := o.Consume().Request(bg, "a")
		wantErr(t, err, model.ErrUnroutable)
		_, err = d.RequestedBroadcast(bg)
		wantErr(t, err, model.ErrClosed)
	})
	run("16.4/64 a request picked up can be served after all handlers went", func(t *testing.T, o *model.OriginProducer) {
		d := o.Dynamic()
		result := ask(o, "a")
		r := demand(t, d, "a")
		wantNil(t, d.Close())
		b := model.NewBroadcast(model.Route{})
		wantNil(t, r.Accept(b.Consume()))
		wantServed(t, result, b)
	})
	run("16.4/65 what is announced comes first", func(t *testing.T, o *model.OriginProducer) {
		d := o.Dynamic()
		b := publish(t, o, "a", model.Route{})
		want(t, "announced", serving(o, "a", b), true)
		noDemand(t, d)
	})
	run("16.4/66 a clone keeps the handler alive", func(t *testing.T, o *model.OriginProducer) {
		d := o.Dynamic()
		e := d.Clone()
		wantNil(t, d.Close())
		result := ask(o, "a")
		demand(t, e, "a").Reject(model.ErrTimeout)
		wantRefused(t, result, model.ErrTimeout)
	})
	run("16.4/67 what is served is shared while it lives", func(t *testing.T, o *model.OriginProducer) {
		d := o.Dynamic()
		result := ask(o, "a")
		b := model.NewBroadcast(model.Route{})
		wantNil(t, demand(t, d, "a").Accept(b.Consume()))
		wantServed(t, result, b)
		b.SetRoute(model.Route{Cost: 5}) // not an end
		wantServed(t, ask(o, "a"), b)
		noDemand(t, d)
	})
	run("16.4/68 and asked for again when it has ended", func(t *testing.T, o *model.OriginProducer) {
		d := o.Dynamic()
		result := ask(o, "a")
		b := model.NewBroadcast(model.Route{})
		wantNil(t, demand(t, d, "a").Accept(b.Consume()))
		wantServed(t, result, b)
		wantNil(t, b.Close())
		result = ask(o, "a")
		again := model.NewBroadcast(model.Route{})
		wantNil(t, demand(t, d, "a").Accept(again.Consume()))
		wantServed(t, result, again)
	})
	run("16.4/69 nothing is kept of one-shot paths", func(t *testing.T, o *model.OriginProducer) {
		d := o.Dynamic()
		var served []weak.Pointer[model.BroadcastRequest]
		for i := range 100 {
			path := model.Path(fmt.Sprint(i))
			result := ask(o, path)
			r := demand(t, d, path)
			b := model.NewBroadcast(model.Route{})
			wantNil(t, r.Accept(b.Consume()))
			wantServed(t, result, b)
			wantNil(t, b.Close())
			served = append(served, weak.Make(r))
		}
		runtime.GC()
		left := 0
		for _, w := range served {
			if w.Value() != nil {
				left++
			}
		}
		if left > 5 {
			t.Errorf("%d of 100 requests are still in memory", left)
		}
		runtime.KeepAlive(o)
	})
	run("16.4/71 a request that is let go", func(t *testing.T, o *model.OriginProducer) {
		d := o.Dynamic()
		one := ask(o, "a")
		r := demand(t, d, "a")
		two := ask(o, "a")
		synctest.Wait()
		wantNil(t, r.Close())
		wantNil(t, r.Close())
		wantRefused(t, one, model.ErrUnroutable)
		wantRefused(t, two, model.ErrUnroutable)
	})
	run("a handler serves its own scope, relative to its root", func(t *testing.T, o *model.OriginProducer) {
		d := scoped(t, rooted(t, o, "room"), "on").Dynamic()
		_, err := o.Consume().Request(bg, "elsewhere")
		wantErr(t, err, model.ErrUnroutable)
		_, err = o.Consume().Request(bg, "room/off")
		wantErr(t, err, model.ErrUnroutable)
		result := ask(o, "room/on/x")
		demand(t, d, "on/x").Reject(model.ErrTimeout)
		wantRefused(t, result, model.ErrTimeout)
	})
	run("serving what has ended", func(t *testing.T, o *model.OriginProducer) {
		d := o.Dynamic()
		result := ask(o, "a")
		r := demand(t, d, "a")
		b := model.NewBroadcast(model.Route{})
		c := b.Consume()
		wantNil(t, c.Close())
		wantErr(t, r.Accept(c), model.ErrClosed)
		b.Abort(model.ErrTimeout)
		wantErr(t, r.Accept(b.Consume()), model.ErrTimeout)
		wantRefused(t, result, model.ErrTimeout)
	})
	run("the end of the origin", func(t *testing.T, o *model.OriginProducer) {
		d := o.Dynamic()
		result := ask(o, "a")
		_, _, _ = result()
		wantNil(t, o.Close())
		wantRefused(t, result, model.ErrDropped)
		_, err := d.RequestedBroadcast(bg)
		wantErr(t, err, model.ErrDropped)
		_, err = o.Consume().Request(bg, "a")
		wantErr(t, err, model.ErrDropped)
		_, err = o.Dynamic().RequestedBroadcast(bg)
		wantErr(t, err, model.ErrClosed)
	})
	run("blocked calls end with an event, with close and with the context", func(t *testing.T, o *model.OriginProducer) {
		ctx, cancel := context.WithCancel(t.Context())
		d := o.Dynamic()
		got := later(func() { must(d.RequestedBroadcast(bg)).Reject(model.ErrTimeout) })
		want(t, "returned early", got(), false)
		_, err := o.Consume().Request(bg, "a")
		wantErr(t, err, model.ErrTimeout)
		want(t, "returned", got(), true)
		got = later(func() { _, err := d.RequestedBroadcast(bg); wantErr(t, err, model.ErrClosed) })
		want(t, "returned early", got(), false)
		e := o.Dynamic()
		wantNil(t, d.Close())
		want(t, "returned", got(), true)
		asked := later(func() { _, err := o.Consume().Request(ctx, "b"); wantErr(t, err, context.Canceled) })
		want(t, "asker returned early", asked(), false)
		cancel()
		want(t, "asker returned", asked(), true)
		demand(t, e, "b") // still delivered
	})
}

func TestForgottenCursorIsCollected(t *testing.T) {
	o := model.NewOrigin()
	w := weak.Make(o.Consume().Announcements())
	publish(t, o, "a", model.Route{})
	runtime.GC()
	want(t, "cursor in memory", w.Value() != nil, false)
	runtime.KeepAlive(o)
}
