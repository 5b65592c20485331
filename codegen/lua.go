package codegen

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/moqrx/moqrx/spec"
)

// luaRuntime is the part of the dissector that is the same for every spec.
//
//go:embed lua/runtime.lua
var luaRuntime string

// Lua makes a Wireshark dissector of the families for sessions over raw QUIC, which are told
// apart by their ALPN. sources are the base names of the spec files. It is for Wireshark 4.0
// and later, with Lua 5.2 to 5.4. The same specs give the same bytes.
//
// It reads streams in the order of the packets: what was lost or overtaken on the way breaks the
// rest of its stream. Of versions with one ALPN it takes the newest. Rules between fields
// (refuse, not below) are not checked, and a "given" field that no name explains reads as absent:
// see given fields in lua/runtime.lua.
func Lua(families []*spec.Family, sources []string) ([]byte, error) {
	w := &luaWriter{sorts: map[string]map[string]string{}, alpns: map[string]bool{}}
	for _, f := range families {
		w.collect(f)
	}
	fmt.Fprintf(&w.b, "-- %s\n\n", strings.TrimPrefix(Header(strings.Join(sources, ", spec/")), "// "))
	w.b.WriteString("-- The fields that can be filtered for: name, title and sort.\nlocal FIELDS = {\n")
	w.fields()
	w.b.WriteString("}\n\nlocal VERSIONS = {}\n")
	for _, f := range families {
		g := newGenerator(f, "")
		for _, v := range slices.Backward(f.Versions) { // of those with one ALPN the newest
			w.version(g, v)
		}
	}
	w.b.WriteString("\n" + luaRuntime)
	return w.b.Bytes(), w.err
}
