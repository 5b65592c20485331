package house

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/moqrx/moqrx"

// A rule says what the non-test code of the packages below a folder may import besides the
// standard library. Entries are prefixes: folders of this module, or modules of others.
type rule struct {
	folder  string
	inside  []string
	outside []string
}

// importTable is the agreement on the direction of dependencies: bytes go from the socket
// through transport, engine and gen to the model and rx, and nothing points back. The first
// rule that matches a package decides, so narrower folders come first.
var importTable = []rule{
	{folder: "spec", inside: []string{"spec"}},
	{folder: "codegen", inside: []string{"spec"}, outside: []string{"github.com/dave/jennifer"}},
	{folder: "gen/wire"},
	{folder: "gen/wiretest", inside: []string{"gen/wire"}, outside: []string{"pgregory.net/rapid"}}, // what generated tests call
	{folder: "gen/named", inside: []string{"gen", "spec"}},                                          // both decoders of a spec by name
	{folder: "gen", inside: []string{"gen/wire"}},
	{folder: "model/stats/prometheus", inside: []string{"model"}, outside: []string{"github.com/prometheus"}},
	{folder: "model/stats", inside: []string{"model"}},
	{folder: "model"},
	{
		folder:  "session/transport",
		inside:  []string{"session/transport", "session/internal/pcapng"},
		outside: []string{"github.com/quic-go"},
	},
	{
		folder:  "session/internal/pcapng",
		outside: nil,
	},
	{
		folder:  "session",
		inside:  []string{"model", "gen", "session"},
		outside: []string{"github.com/quic-go", "golang.org/x/sync", "github.com/cenkalti/backoff/v5"},
	},
	{folder: "rx/internal", outside: []string{"github.com/dave/jennifer", "github.com/reactivex/rxgo/v2"}},
	{
		folder:  "rx",
		inside:  []string{"model", "session", "rx"},
		outside: []string{"github.com/reactivex/rxgo/v2", "github.com/cenkalti/backoff"}, // rxgo names backoff's type
	},
	{folder: "cmd", inside: []string{""}, outside: []string{""}},
	{folder: "examples", inside: []string{"model", "session", "rx", "examples"}, outside: []string{"github.com/reactivex/rxgo/v2"}},
	{folder: "test", inside: []string{""}, outside: []string{""}},
}

type listedPackage struct {
	ImportPath string
	Doc        string
	Imports    []string
	GoFiles    []string
	Standard   bool
}

func TestImportsFollowTheTable(t *testing.T) {
	for _, pkg := range listPackages(t) {
		folder := strings.TrimPrefix(strings.TrimPrefix(pkg.ImportPath, module), "/")
		r, ok := ruleFor(folder)
		if !ok {
			t.Errorf("%s: no row of the import table covers this folder", pkg.ImportPath)
			continue
		}
		for _, path := range pkg.Imports {
			if !r.allows(path) {
				t.Errorf("%s imports %s, which the row %q of the import table does not allow", pkg.ImportPath, path, r.folder)
			}
		}
	}
}

func TestTheTableRefuses(t *testing.T) {
	for _, c := range []struct{ folder, path string }{
		{"model", module + "/gen/lite"},
		{"model/stats", "github.com/prometheus/client_golang/prometheus"},
		{"model", "github.com/prometheus/client_golang/prometheus"},
		{"model", module + "/model/stats"},
		{"model/stats/prometheus", module + "/session"},
		{"gen/lite", module + "/spec"},
		{"gen/wire", module + "/gen/lite"},
		{"session/internal/lite", module + "/rx"},
		{"session", "github.com/reactivex/rxgo/v2"},
		{"session/transport/quic", module + "/model"},
		{"examples/relay", module + "/gen/lite"},
		{"spec", "github.com/dave/jennifer/jen"},
	} {
		r, ok := ruleFor(c.folder)
		if !ok {
			t.Errorf("no row covers %s", c.folder)
			continue
		}
		if r.allows(c.path) {
			t.Errorf("the table lets %s import %s", c.folder, c.path)
		}
	}
	if _, ok := ruleFor("helpers"); ok {
		t.Error("the table covers a folder that is not part of the house")
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, pkg := range listPackages(t) {
		if len(pkg.GoFiles) > 0 && pkg.Doc == "" {
			t.Errorf("%s has no package comment", pkg.ImportPath)
		}
	}
}

func ruleFor(folder string) (rule, bool) {
	i := slices.IndexFunc(importTable, func(r rule) bool { return under(folder, r.folder) })
	if i < 0 {
		return rule{}, false
	}
	return importTable[i], true
}

func (r rule) allows(path string) bool {
	if inside, ok := strings.CutPrefix(path, module+"/"); ok {
		return slices.ContainsFunc(r.inside, func(p string) bool { return under(inside, p) })
	}
	if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
		return true // the standard library
	}
	return slices.ContainsFunc(r.outside, func(p string) bool { return under(path, p) })
}

func under(path, folder string) bool {
	return folder == "" || path == folder || strings.HasPrefix(path, folder+"/")
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Doc,Imports,GoFiles", module+"/...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v: %s", err, exit.Stderr)
		}
		t.Fatalf("go list: %v", err)
	}
	var pkgs []listedPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg listedPackage
		if err := dec.Decode(&pkg); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		pkgs = append(pkgs, pkg)
	}
}
