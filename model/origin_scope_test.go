package model_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/model"
)

func scoped(t *testing.T, o *model.OriginProducer, prefixes ...model.Path) *model.OriginProducer {
	t.Helper()
	return must(o.Scope(prefixes...))
}

func rooted(t *testing.T, o *model.OriginProducer, root string) *model.OriginProducer {
	t.Helper()
	return must(o.WithRoot(model.NewPath(root)))
}

func wantPublish(t *testing.T, o *model.OriginProducer, refused error, paths ...model.Path) {
	t.Helper()
	for _, p := range paths {
		if _, err := o.CreateBroadcast(p, model.Route{}); refused == nil {
			wantNil(t, err)
		} else {
			wantErr(t, err, refused)
		}
	}
}

func wantPaths(t *testing.T, what string, got []model.Path, expect ...model.Path) {
	t.Helper()
	if !slices.Equal(got, expect) {
		t.Errorf("%s: got %q, want %q", what, got, expect)
	}
}

func TestOriginRoot(t *testing.T) {
	t.Run("16.3/25 a root prefixes paths", func(t *testing.T) {
		o := model.NewOrigin()
		foo := rooted(t, o, "foo")
		want(t, "root", foo.Root(), "foo")
		want(t, "consumer's root", foo.Consume().Root(), "foo")
		publish(t, foo, "bar/baz", model.Route{})
		wantEvents(t, o.Consume().Announcements(), "+foo/bar/baz")
		wantEvents(t, foo.Consume().Announcements(), "+bar/baz")
		wantEvents(t, must(o.Consume().WithRoot("foo")).Announcements(), "+bar/baz")
	})
	t.Run("16.3/26 roots nest", func(t *testing.T) {
		o := model.NewOrigin()
		a := o.Consume().Announcements()
		publish(t, rooted(t, rooted(t, o, "foo"), "bar"), "baz", model.Route{})
		wantEvents(t, a, "+foo/bar/baz")
	})
	t.Run("16.3/28 root and path together have 32 components at most", func(t *testing.T) {
		r := rooted(t, model.NewOrigin(), strings.Repeat("r/", 20))
		_, err := r.CreateBroadcast(model.NewPath(strings.Repeat("p/", 13)), model.Route{})
		wantErr(t, err, model.ErrBoundsExceeded)
		publish(t, r, strings.Repeat("p/", 12), model.Route{})
	})
	t.Run("16.3/34 a root outside the scope is refused", func(t *testing.T) {
		s := scoped(t, model.NewOrigin(), "allowed")
		_, err := s.WithRoot("other")
		wantErr(t, err, model.ErrUnauthorized)
		_, err = s.Consume().WithRoot("other")
		wantErr(t, err, model.ErrUnauthorized)
		in := rooted(t, s, "allowed/deep")
		wantPaths(t, "allowed", in.Allowed(), "")
		above := rooted(t, scoped(t, model.NewOrigin(), "a/b", "a/c"), "a")
		wantPaths(t, "allowed", above.Allowed(), "b", "c")
	})
	t.Run("an empty root changes nothing", func(t *testing.T) {
		s := rooted(t, scoped(t, model.NewOrigin(), "a", "b"), "")
		wantPaths(t, "allowed", s.Allowed(), "a", "b")
		want(t, "root", s.Root(), "")
	})
	for _, slashes := range []model.Path{"demo/", "/demo//", "demo"} {
		root := model.NewPath(string(slashes))
		t.Run("16.3/46 a root with slashes for consuming "+string(slashes), func(t *testing.T) {
			o := model.NewOrigin()
			publish(t, o, "demo/a", model.Route{})
			wantEvents(t, must(o.Consume().WithRoot(root)).Announcements(), "+a")
		})
		t.Run("16.3/47 a root with slashes for publishing "+string(slashes), func(t *testing.T) {
			o := model.NewOrigin()
			r := must(o.WithRoot(root))
			publish(t, r, "a", model.Route{})
			wantEvents(t, o.Consume().Announcements(), "+demo/a")
		})
		t.Run("16.3/48 a root with slashes when the broadcast ends "+string(slashes), func(t *testing.T) {
			o := model.NewOrigin()
			a := must(o.Consume().WithRoot(root)).Announcements()
			b := publish(t, o, "demo/a", model.Route{})
			wantEvents(t, a, "+a")
			_ = b.Close()
			wantEvents(t, a, "-a")
		})
	}
	t.Run("the root itself can be published", func(t *testing.T) {
		o := model.NewOrigin()
		r := rooted(t, o, "room")
		publish(t, r, "", model.Route{})
		wantEvents(t, r.Consume().Announcements(), "+")
		wantEvents(t, o.Consume().Announcements(), "+room")
	})
}

func TestOriginScope(t *testing.T) {
	t.Run("16.3/27 publishing inside the scope", func(t *testing.T) {
		s := scoped(t, model.NewOrigin(), "allowed/path1", "allowed/path2")
		wantPublish(t, s, nil, "allowed/path1", "allowed/path1/nested", "allowed/path2")
		wantPublish(t, s, model.ErrUnauthorized, "allowed", "notallowed", "other/path", "allowed/path10")
	})
	t.Run("16.3/29 an empty list", func(t *testing.T) {
		_, err := model.NewOrigin().Scope()
		wantErr(t, err, model.ErrUnauthorized)
		_, err = model.NewOrigin().Consume().Scope()
		wantErr(t, err, model.ErrUnauthorized)
	})
	t.Run("16.3/30 consuming inside the scope", func(t *testing.T) {
		o := model.NewOrigin()
		a := must(o.Consume().Scope("allowed")).Announcements()
		wantPublish(t, o, nil, "allowed", "allowed/a", "allowedx", "other")
		wantEvents(t, a, "+allowed", "+allowed/a")
	})
	t.Run("16.3/31 two prefixes", func(t *testing.T) {
		o := model.NewOrigin()
		wantPublish(t, o, nil, "foo/x", "bar/y", "baz/z")
		wantEvents(t, must(o.Consume().Scope("foo", "bar")).Announcements(), "+bar/y", "+foo/x")
	})
	t.Run("16.3/32 a root and a scope for publishing", func(t *testing.T) {
		o := model.NewOrigin()
		a := o.Consume().Announcements()
		s := scoped(t, rooted(t, o, "foo"), "bar", "goop/pee")
		wantPublish(t, s, nil, "bar", "bar/nested", "goop/pee", "goop/pee/nested")
		wantPublish(t, s, model.ErrUnauthorized, "baz", "goop", "goop/other")
		wantEvents(t, a, "+foo/bar", "+foo/bar/nested", "+foo/goop/pee", "+foo/goop/pee/nested")
	})
	t.Run("16.3/33 a root and a scope for consuming", func(t *testing.T) {
		o := model.NewOrigin()
		wantPublish(t, o, nil, "foo/bar/a", "foo/goop/pee", "foo/goop/other", "foo/x", "bar/a")
		c := must(must(o.Consume().WithRoot("foo")).Scope("bar", "goop/pee"))
		wantEvents(t, c.Announcements(), "+bar/a", "+goop/pee")
	})
	t.Run("16.3/35 everything is permitted at first", func(t *testing.T) {
		o := model.NewOrigin()
		wantPaths(t, "allowed", o.Allowed(), "")
		wantPublish(t, o, nil, "", "any", "any/thing")
		rooted(t, o, "any/root")
	})
	t.Run("16.3/36 a limited consumer does not find what it may not see", func(t *testing.T) {
		o := model.NewOrigin()
		wantPublish(t, o, nil, "secret", "open")
		c := must(o.Consume().Scope("open"))
		_, err := c.Request(bg, "secret")
		wantErr(t, err, model.ErrUnauthorized)
		_ = must(c.Request(bg, "open"))
	})
	t.Run("16.3/37 nested permission", func(t *testing.T) {
		s := scoped(t, model.NewOrigin(), "a/b/c")
		wantPublish(t, s, model.ErrUnauthorized, "a/b", "a/b/x", "a")
		wantPublish(t, s, nil, "a/b/c", "a/b/c/d")
	})
	t.Run("16.3/38 each consumer sees its own", func(t *testing.T) {
		o := model.NewOrigin()
		a, b := must(o.Consume().Scope("a")).Announcements(), must(o.Consume().Scope("b")).Announcements()
		all := o.Consume().Announcements()
		wantPublish(t, o, nil, "a/1", "b/1", "c/1")
		wantEvents(t, a, "+a/1")
		wantEvents(t, b, "+b/1")
		wantEvents(t, all, "+a/1", "+b/1", "+c/1")
	})
	demo := func(t *testing.T) *model.OriginProducer {
		return scoped(t, rooted(t, model.NewOrigin(), "demo"), "worm-node", "foobar")
	}
	t.Run("16.3/39 the empty prefix keeps a permission below a root", func(t *testing.T) {
		s := scoped(t, demo(t), "")
		wantPaths(t, "allowed", s.Allowed(), "foobar", "worm-node")
		want(t, "root", s.Root(), model.Path("demo"))
	})
	t.Run("16.3/40 narrowing", func(t *testing.T) {
		s := scoped(t, demo(t), "worm-node")
		wantPaths(t, "allowed", s.Allowed(), "worm-node")
		s = scoped(t, s, "worm-node/foo")
		wantPaths(t, "allowed", s.Allowed(), "worm-node/foo")
		wantPublish(t, s, model.ErrUnauthorized, "worm-node", "worm-node/bar", "foobar")
	})
	t.Run("16.3/41 the empty prefix keeps several permissions of a consumer", func(t *testing.T) {
		c := must(must(model.NewOrigin().Consume().Scope("a", "b/c", "d")).Scope(""))
		wantPaths(t, "allowed", c.Allowed(), "a", "d", "b/c")
	})
	t.Run("16.3/42 the empty prefix keeps what may be published", func(t *testing.T) {
		s := scoped(t, scoped(t, model.NewOrigin(), "worm-node", "foobar"), "")
		wantPublish(t, s, model.ErrUnauthorized, "other", "")
		wantPublish(t, s, nil, "worm-node", "foobar/x")
	})
	t.Run("16.3/43 a broad permission narrowed to something deep", func(t *testing.T) {
		o := model.NewOrigin()
		s := scoped(t, scoped(t, o, "a"), "a/b/c")
		wantPublish(t, s, nil, "a/b/c", "a/b/c/x")
		wantPublish(t, s, model.ErrUnauthorized, "a", "a/b", "a/b/d", "a/x")
		wantEvents(t, must(must(o.Consume().Scope("a")).Scope("a/b/c/x")).Announcements(), "+a/b/c/x")
	})
	t.Run("16.3/44 a disjoint wish", func(t *testing.T) {
		_, err := scoped(t, model.NewOrigin(), "a").Scope("b")
		wantErr(t, err, model.ErrUnauthorized)
	})
	t.Run("16.3/45 a wider wish keeps the narrow permission", func(t *testing.T) {
		s := scoped(t, scoped(t, model.NewOrigin(), "demo/foo"), "demo")
		wantPaths(t, "allowed", s.Allowed(), "demo/foo")
		wantPublish(t, s, model.ErrUnauthorized, "demo/bar")
	})
	t.Run("16.3/49 the same prefix twice is one", func(t *testing.T) {
		wantPaths(t, "allowed", scoped(t, model.NewOrigin(), "demo", "demo").Allowed(), "demo")
	})
	t.Run("16.3/50 a prefix swallows what lies under it", func(t *testing.T) {
		s := scoped(t, model.NewOrigin(), "demo", "demo/foo")
		wantPaths(t, "allowed", s.Allowed(), "demo")
		wantPublish(t, s, nil, "demo/bar")
	})
	t.Run("16.3/51 one announcement however many prefixes cover it", func(t *testing.T) {
		o := model.NewOrigin()
		a := must(o.Consume().Scope("demo", "demo/foo", "demo")).Announcements()
		publish(t, o, "demo/foo/x", model.Route{})
		wantEvents(t, a, "+demo/foo/x")
	})
	t.Run("16.3/52 what is allowed is listed without duplicates", func(t *testing.T) {
		c := must(model.NewOrigin().Consume().Scope("demo/foo", "b", "demo", "b"))
		wantPaths(t, "allowed", c.Allowed(), "b", "demo")
	})
}
