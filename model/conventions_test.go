package model_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/model"
)

// loneCalls are those that block and have no twin; the package comment lists them.
var loneCalls = map[string]bool{
	"OriginConsumer.Announced": true, "OriginConsumer.Request": true,
	"TrackConsumer.GetGroup": true, "BroadcastTrack.FetchGroup": true, "FrameConsumer.ReadAll": true,
	"BandwidthProducer.Used": true, "BroadcastProducer.Used": true, "TrackProducer.Used": true, "GroupProducer.Used": true,
	"BandwidthProducer.Unused": true, "BroadcastProducer.Unused": true, "TrackProducer.Unused": true, "GroupProducer.Unused": true,
}

func TestCallsThatBlockHaveATwinAsThePackageSays(t *testing.T) {
	methods := exportedMethods(t)
	alone, blocking := maps.Clone(loneCalls), 0
	for name, m := range methods {
		on, call, _ := strings.Cut(name, ".")
		if !takesContext(m) || call == "All" {
			continue
		}
		blocking++
		twin, wait := on+".Try"+call, on+".Wait"
		switch {
		case loneCalls[name] && methods[twin] != nil:
			t.Errorf("%s is listed as one without a twin, but there is %s", name, twin)
		case loneCalls[name]:
			delete(alone, name)
		case methods[twin] == nil:
			t.Errorf("there is no %s", twin)
		case methods[wait] == nil && name != "BroadcastTrack.Info":
			t.Errorf("there is no %s", wait)
		}
	}
	for name := range alone {
		t.Errorf("there is no %s", name)
	}
	want(t, "most were found", blocking > 25, true)
}

// exportedMethods are those of the package, as "Type.Method".
func exportedMethods(t *testing.T) map[string]*ast.FuncDecl {
	t.Helper()
	methods := make(map[string]*ast.FuncDecl)
	for _, name := range must(filepath.Glob("*.go")) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file := must(parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution))
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || !f.Name.IsExported() {
				continue
			}
			on := f.Recv.List[0].Type
			if p, ok := on.(*ast.StarExpr); ok {
				on = p.X
			}
			if id, ok := on.(*ast.Ident); ok && id.IsExported() {
				methods[id.Name+"."+f.Name.Name] = f
			}
		}
	}
	return methods
}

func takesContext(f *ast.FuncDecl) bool {
	if len(f.Type.Params.List) == 0 {
		return false
	}
	s, ok := f.Type.Params.List[0].Type.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "Context"
}

// waiter is one handle with a Try call: an event makes it succeed, close ends it.
type waiter struct {
	wait       func() <-chan struct{}
	try        func() (bool, error)
	event, end func()
	ended      error
}

func TestWaitClosesWhenATryCallCanSucceed(t *testing.T) {
	for name, open := range map[string]func() waiter{
		"RouteConsumer": func() waiter {
			b := model.NewBroadcast(model.Route{})
			r := b.Consume().Routes()
			must(r.Next(bg))
			return waiter{
				r.Wait, func() (bool, error) { _, ok, err := r.TryNext(); return ok, err }, func() { b.SetRoute(hops(3)) },
				func() { _ = b.Finish() }, eof,
			}
		},
		"OriginDynamic": func() waiter {
			o := model.NewOrigin()
			d := o.Dynamic()
			return waiter{d.Wait, func() (bool, error) { _, ok, err := d.TryRequestedBroadcast(); return ok, err }, func() {
				ctx, cancel := context.WithCancel(bg)
				cancel()
				_, err := o.Consume().Request(ctx, "a")
				wantErr(t, err, context.Canceled)
			}, func() { _ = d.Close() }, model.ErrClosed}
		},
		"BroadcastDynamic": func() waiter {
			b := model.NewBroadcast(model.Route{})
			d := b.Dynamic()
			return waiter{
				d.Wait, func() (bool, error) { _, ok, err := d.TryRequestedTrack(); return ok, err }, func() { subscribe(t, b.Consume(), "t") },
				func() { _ = d.Close() }, model.ErrClosed,
			}
		},
		"TrackDynamic": func() waiter {
			p := newTrack(t)
			d := p.Dynamic()
			return waiter{d.Wait, func() (bool, error) { _, ok, err := d.TryRequestedGroup(); return ok, err }, func() {
				queued := d.Wait()
				go func() {
					_, err := p.Consume(model.Subscription{}).FetchGroup(bg, 1, 0)
					wantErr(t, err, model.ErrTimeout)
				}()
				<-queued
			}, func() { p.Abort(model.ErrTimeout) }, model.ErrTimeout}
		},
		"TrackConsumer.TryInfo": func() waiter {
			b := model.NewBroadcast(model.Route{})
			d := b.Dynamic()
			c := subscribe(t, b.Consume(), "t")
			q := request(t, d, "t")
			return waiter{
				c.Wait, func() (bool, error) { _, ok, err := c.TryInfo(); return ok, err }, func() { must(q.Accept(model.TrackInfo{})) },
				func() { _ = c.Close() }, model.ErrClosed,
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := open()
			changed := w.wait()
			ok, err := w.try()
			want(t, "there before", ok, false)
			wantNil(t, err)
			want(t, "closed before", isClosed(changed), false)
			w.event()
			want(t, "closed by the event", isClosed(changed), true)
			ok, err = w.try()
			want(t, "there", ok, true)
			wantNil(t, err)
			changed = w.wait()
			w.end()
			want(t, "closed by the end", isClosed(changed), true)
			want(t, "and closed from then on", isClosed(w.wait()), true)
			_, err = w.try()
			wantErr(t, err, w.ended)
		})
	}
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
