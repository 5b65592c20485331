package model_test

import (
	"strings"
	"testing"

	"github.com/moqrx/moqrx/model"
	"pgregory.net/rapid"
)

func TestRelativePaths(t *testing.T) {
	t.Run("16.17/296 the last component is replaced and .. goes up, to the root at most", func(t *testing.T) {
		for _, c := range []struct {
			base, relative, to string
			escapes            bool
		}{
			{"a/b", "c", "a/c", false},
			{"a/b", "c/d", "a/c/d", false},
			{"a/b", "", "a/b", false},
			{"a/b", ".", "a", false},
			{"a/b", "./c", "a/c", false},
			{"a/b/c", "..", "a", false},
			{"a/b/c", "../d", "a/d", false},
			{"a/b", "..", "", false}, // just the root
			{"a/b", "../..", "", true},
			{"a/b", "../../c", "c", true},
			{"a", ".", "", false},
			{"a", "..", "", true},
			{"", "c", "c", false},
			{"", "..", "", true},
			{"a/b", "//c//d/", "a/c/d", false},
		} {
			r := model.NewRelativePath(c.relative)
			want(t, c.base+" and "+c.relative, model.NewPath(c.base).Resolve(r), model.Path(c.to))
			to, ok := model.NewPath(c.base).TryResolve(r)
			if ok == c.escapes || ok && to != model.Path(c.to) {
				t.Errorf("try %q and %q: %q %v", c.base, c.relative, to, ok)
			}
		}
	})
	t.Run("the way from one path to another", func(t *testing.T) {
		for _, c := range []struct {
			base, target, relative string
			none                   bool
		}{
			{"a/b", "a/b", "", false},
			{"a/b", "a", ".", false},
			{"a/b", "a/c", "c", false},
			{"a/b", "c", "../c", false},
			{"a/b/c", "", "../..", false},
			{"", "a/b", "a/b", false},
			{"a", "b/../c", "", true},
			{"a/b", "a/.", "", true},
		} {
			r, ok := model.Path(c.target).RelativeTo(model.Path(c.base))
			if ok == c.none || string(r) != c.relative {
				t.Errorf("from %q to %q: %q %v, want %q", c.base, c.target, r, ok, c.relative)
			}
		}
	})
	t.Run("the normal form", func(t *testing.T) {
		for s, want := range map[string]string{"": "", ".": ".", "./.": ".", "a/./b": "a/b", "..": "..", "/../a/": "../a", "./..": ".."} {
			if got := model.NewRelativePath(s).String(); got != want {
				t.Errorf("%q is %q, want %q", s, got, want)
			}
		}
	})
	t.Run("16.17/297 the way to any path that can be named leads there", func(t *testing.T) {
		part := rapid.SampledFrom([]string{"a", "b", "c", "..", ".", "..."})
		path := rapid.Custom(func(t *rapid.T) model.Path {
			return model.NewPath(strings.Join(rapid.SliceOfN(part, 0, 4).Draw(t, "parts"), "/"))
		})
		rapid.Check(t, func(t *rapid.T) {
			base, target := path.Draw(t, "base"), path.Draw(t, "target")
			r, ok := target.RelativeTo(base)
			if !ok {
				if !strings.Contains("/"+string(target)+"/", "/./") && !strings.Contains("/"+string(target)+"/", "/../") {
					t.Fatalf("no way from %q to %q", base, target)
				}
				return
			}
			if to, inside := base.TryResolve(model.NewRelativePath(string(r))); !inside || to != target {
				t.Fatalf("from %q by %q to %q %v, want %q", base, r, to, inside, target)
			}
		})
	})
}
