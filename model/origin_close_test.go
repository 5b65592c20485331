package model_test

import (
	"testing"
	"testing/synctest"

	"github.com/moqrx/moqrx/model"
)

func TestCloseEndsTheCallsThatWaitOnAHandle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := model.NewOrigin()
		d := o.Dynamic()
		c := o.Consume()
		other, scoped := c.Clone(), must(c.Scope("a"))
		var closed, open, narrow error
		waited := later(func() { _, closed = c.Announced(bg, "a") })
		asked := later(func() { _, err := c.Request(bg, "b"); wantErr(t, err, model.ErrClosed) })
		stays := later(func() { _, open = other.Announced(bg, "a") })
		alsoStays := later(func() { _, narrow = scoped.Announced(bg, "a") })
		cursor := c.Announcements()
		want(t, "returned early", waited() || asked() || stays() || alsoStays(), false)
		wantNil(t, c.Close())
		want(t, "the waiting call has returned", waited(), true)
		wantErr(t, closed, model.ErrClosed)
		want(t, "the request has returned", asked(), true)
		_, err := c.Announced(bg, "a")
		want(t, "as a call does that comes later", closed.Error(), err.Error())
		want(t, "another handle has returned", stays() || alsoStays(), false)
		_, ok, err := d.TryRequestedBroadcast() // the request is there for whoever asks next
		wantNil(t, err)
		want(t, "request", ok, true)
		publish(t, o, "a", model.Route{})
		want(t, "other handles find it", stays() && alsoStays(), true)
		wantNil(t, open)
		wantNil(t, narrow)
		wantEvents(t, cursor, "+a") // a cursor is a handle of its own
		wantNil(t, c.Close())
	})
}
