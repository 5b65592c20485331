package model_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/model"
)

func TestPath(t *testing.T) {
	t.Run("16.17/283 prefixes end at components", func(t *testing.T) {
		want(t, "foobar under foo", model.NewPath("foobar").HasPrefix("foo"), false)
		want(t, "foo/bar under foo/", model.NewPath("foo/bar").HasPrefix(model.NewPath("foo/")), true)
		want(t, "anything under the empty path", model.NewPath("foo").HasPrefix(""), true)
		want(t, "foo under itself", model.NewPath("foo").HasPrefix("foo"), true)
		want(t, "foo under foo/bar", model.NewPath("foo").HasPrefix("foo/bar"), false)
	})
	t.Run("16.17/284 stripping", func(t *testing.T) {
		p := model.NewPath("foo/bar/baz")
		for _, c := range []struct {
			prefix, rest string
			ok           bool
		}{{"foo/", "bar/baz", true}, {"foo/bar/baz", "", true}, {"", "foo/bar/baz", true}, {"foo/ba", "", false}, {"x", "", false}} {
			rest, ok := p.StripPrefix(model.NewPath(c.prefix))
			want(t, c.prefix+" ok", ok, c.ok)
			want(t, c.prefix, rest.String(), c.rest)
		}
	})
	t.Run("16.17/285 joining", func(t *testing.T) {
		for _, a := range []string{"foo", "foo/", "/foo", "//foo//"} {
			for _, b := range []string{"bar", "/bar", "bar/", "//bar//"} {
				want(t, a+" + "+b, model.NewPath(a).Join(model.NewPath(b)), "foo/bar")
			}
		}
		want(t, "empty on the left", model.Path("").Join("x"), "x")
		want(t, "empty on the right", model.Path("x").Join(""), "x")
	})
	t.Run("16.17/286 only slashes is the empty path", func(t *testing.T) {
		want(t, "path", model.NewPath("////"), "")
		want(t, "empty", model.NewPath("////").IsEmpty(), true)
	})
	t.Run("16.17/287 runs collapse", func(t *testing.T) {
		want(t, "path", model.NewPath("//foo//bar///baz//"), "foo/bar/baz")
	})
	t.Run("16.17/288 32 components can be published, 33 cannot", func(t *testing.T) {
		o := model.NewOrigin()
		_, err := o.CreateBroadcast(model.NewPath(strings.Repeat("a/", 32)), model.Route{})
		wantNil(t, err)
		_, err = o.CreateBroadcast(model.NewPath(strings.Repeat("a/", 33)), model.Route{})
		wantErr(t, err, model.ErrBoundsExceeded)
	})
	t.Run("16.17/289 the empty path has no parts", func(t *testing.T) {
		want(t, "parts", len(model.Path("").Parts()), 0)
		_, _, ok := model.Path("").NextPart()
		want(t, "next part", ok, false)
		first, rest, ok := model.Path("a/b/c").NextPart()
		want(t, "first", first, "a")
		want(t, "rest", rest, "b/c")
		want(t, "ok", ok, true)
		want(t, "parts", slices.Equal(model.Path("a/b/c").Parts(), []string{"a", "b", "c"}), true)
	})
	t.Run("16.17/290 slicing does not copy", func(t *testing.T) {
		p := model.NewPath("foo/bar/baz")
		want(t, "allocations", testing.AllocsPerRun(100, func() {
			q, _ := p.StripPrefix("foo")
			_, _, _ = q.NextPart()
		}), 0)
	})
}

func TestPathPrefixes(t *testing.T) {
	for _, c := range []struct {
		name     string
		in, want []model.Path
	}{
		{"16.17/291 duplicates and nested ones go", []model.Path{"demo", "demo", "demo/foo"}, []model.Path{"demo"}},
		{"16.17/291 in any order", []model.Path{"demo/foo", "demo", "demo"}, []model.Path{"demo"}},
		{"16.17/292 the empty path covers all", []model.Path{"a", "", "b/c"}, []model.Path{""}},
		{"16.17/293 deep overlap", []model.Path{"a/b/c", "a/b", "a"}, []model.Path{"a"}},
		{"16.17/294 part of a name is no prefix", []model.Path{"demonstration", "demo"}, []model.Path{"demo", "demonstration"}},
		{"16.17/295 canonical order", []model.Path{"b", "aaa", "a"}, []model.Path{"a", "b", "aaa"}},
		{"16.17/295 whatever the order", []model.Path{"aaa", "a", "b"}, []model.Path{"a", "b", "aaa"}},
		{"none", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := model.NewPathPrefixes(c.in...); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
