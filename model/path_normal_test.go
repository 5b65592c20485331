package model_test

import (
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/moqrx/moqrx/model"
)

// A Path is a string, so that literals need no call; nobody has to remember its normal form.
func TestPathsAreNormalisedWhereverTheyGoIn(t *testing.T) {
	t.Run("what is published has the plain spelling, whoever looks", func(t *testing.T) {
		for _, spelling := range []model.Path{"room/alice", "/room/alice", "room/alice/", "//room///alice//"} {
			o := model.NewOrigin()
			all := o.Consume().Announcements()
			b := must(o.CreateBroadcast(spelling, model.Route{}))
			wantEvents(t, all, "+room/alice")
			wantEvents(t, must(o.Consume().Scope("room/")).Announcements(), "+room/alice")
			wantEvents(t, must(o.Consume().WithRoot("/room/")).Announcements(), "+alice")
			_ = must(o.Consume().Request(bg, "room/alice"))
			wantNil(t, b.Finish())
			wantEvents(t, all, "-room/alice")
		}
	})
	t.Run("publishing a broadcast", func(t *testing.T) {
		o := model.NewOrigin()
		b := model.NewBroadcast(model.Route{}).Consume()
		wantNil(t, o.PublishBroadcast("/room//alice/", b))
		wantNil(t, o.PublishBroadcast("room/alice", b))
		wantEvents(t, o.Consume().Announcements(), "+room/alice")
	})
	t.Run("looking for it", func(t *testing.T) {
		o := model.NewOrigin()
		_ = must(o.CreateBroadcast("room/alice", model.Route{}))
		c := o.Consume()
		for _, spelling := range []model.Path{"/room/alice", "room/alice/", "//room///alice//"} {
			_ = must(c.Request(bg, spelling))
			_ = must(c.Announced(bg, spelling))
		}
	})
	t.Run("the path of a request on demand", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := model.NewOrigin()
			d := must(o.WithRoot("room//")).Dynamic()
			result := ask(o, "/room//alice/")
			q := demand(t, d, "alice")
			want(t, "path", q.Path(), model.Path("alice"))
			wantNil(t, q.Accept(model.NewBroadcast(model.Route{}).Consume()))
			_, err, _ := result()
			wantNil(t, err)
			_ = must(o.Consume().Request(bg, "room/alice"))
		})
	})
	t.Run("roots and scopes of both halves", func(t *testing.T) {
		o := model.NewOrigin()
		p := rooted(t, rooted(t, o, "/foo/"), "//bar")
		want(t, "root", p.Root(), model.Path("foo/bar"))
		want(t, "root of the reader", must(p.Consume().WithRoot("baz/")).Root(), model.Path("foo/bar/baz"))
		s := scoped(t, p, "b/", "/a//x", "b")
		wantPaths(t, "allowed", s.Allowed(), "b", "a/x")
		wantPaths(t, "allowed to read", must(s.Consume().Scope("/b/c/")).Allowed(), "b/c")
		wantPublish(t, s, nil, "b/", "/a/x/y")
		wantEvents(t, o.Consume().Announcements(), "+foo/bar/a/x/y", "+foo/bar/b")
	})
	t.Run("slashes count for nothing in the limit of 32", func(t *testing.T) {
		wantPublish(t, model.NewOrigin(), nil, "//1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16//17/18/19/20/21/22/23/24/25/26/27/28/29/30/31/32/")
	})
}

func TestMethodsOfAnySpelling(t *testing.T) {
	const untidy, tidy = model.Path("//foo//bar/"), model.Path("foo/bar")
	want(t, "text", untidy.String(), "foo/bar")
	want(t, "only slashes are empty", model.Path("//").IsEmpty(), true)
	want(t, "prefix", tidy.HasPrefix("/foo/"), true)
	want(t, "prefix of an untidy one", untidy.HasPrefix("foo"), true)
	want(t, "equal", untidy.HasPrefix(tidy) && tidy.HasPrefix(untidy), true)
	rest, ok := untidy.StripPrefix("foo/")
	want(t, "rest", rest, "bar")
	want(t, "stripped", ok, true)
	rest, _ = untidy.StripPrefix("/")
	want(t, "all of it", rest, tidy)
	want(t, "joined", model.Path("/a/").Join("/b//c/"), "a/b/c")
	want(t, "joined to nothing", model.Path("/").Join("b/"), "b")
	want(t, "joined with nothing", model.Path("b/").Join("/"), "b")
	want(t, "parts", slices.Equal(untidy.Parts(), []string{"foo", "bar"}), true)
	first, rest, ok := untidy.NextPart()
	want(t, "first", first, "foo")
	want(t, "after it", rest, "bar")
	want(t, "there", ok, true)
	_, _, ok = model.Path("//").NextPart()
	want(t, "nothing there", ok, false)
	want(t, "resolved", untidy.Resolve("/../x//y/"), "x/y")
	want(t, "resolved with nothing", untidy.Resolve("/"), tidy)
	rel, ok := untidy.RelativeTo("/foo/")
	want(t, "relative", rel, "foo/bar")
	want(t, "nameable", ok, true)
	rel, _ = untidy.RelativeTo(tidy)
	want(t, "relative to itself", rel, "")
	want(t, "prefixes", slices.Equal(model.NewPathPrefixes("demo/foo/", "/demo/", "demo"), model.PathPrefixes{"demo"}), true)
	want(t, "covered", model.PathPrefixes{"/demo/"}.Covers("//demo/x"), true)
}

func TestPathsFromText(t *testing.T) {
	var config struct {
		Root  model.Path
		Costs map[model.Path]int
	}
	wantNil(t, json.Unmarshal([]byte(`{"Root": "/room//a/", "Costs": {"/x/": 1}}`), &config))
	want(t, "value", config.Root, "room/a")
	want(t, "key", config.Costs["x"], 1)
	want(t, "and back", string(must(json.Marshal(config))), `{"Root":"room/a","Costs":{"x":1}}`)
}

func TestANormalPathCostsNothing(t *testing.T) {
	p, prefix := model.NewPath("foo/bar/baz"), model.NewPath("foo/bar")
	want(t, "allocations", testing.AllocsPerRun(100, func() {
		if model.NewPath(string(p)) != p || !p.HasPrefix(prefix) {
			t.Error("changed")
		}
		_, _, _ = p.NextPart()
		_, _ = p.StripPrefix(prefix)
	}), 0)
}
