package model_test

import (
	"sync"
	"testing"

	"github.com/moqrx/moqrx/model"
)

// What is accepted for a request may change, and end, in that moment.
func TestAcceptDuringAChange(t *testing.T) {
	for range 500 {
		o := model.NewOrigin()
		d, b := o.Dynamic(), model.NewBroadcast(model.Route{})
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = o.Consume().Request(bg, "a") })
		r := must(d.RequestedBroadcast(bg))
		wg.Go(func() { _ = r.Accept(b.Consume()) })
		wg.Go(func() {
			for i := range uint64(20) {
				b.SetRoute(model.Route{Cost: i})
			}
			_ = b.Close()
		})
		wg.Wait()
		wantNil(t, d.Close())
		_, err := o.Consume().Request(bg, "a")
		wantErr(t, err, model.ErrUnroutable) // it is not remembered
	}
}
