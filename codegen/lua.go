package codegen

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/moqrx/moqrx/spec"
)

// The part of the dissector that is the same for every spec, in the order in which it stands.
var (
	//go:embed lua/values.lua
	luaValues string
	//go:embed lua/fields.lua
	luaFields string
	//go:embed lua/messages.lua
	luaMessages string
	//go:embed lua/objects.lua
	luaObjects string
	//go:embed lua/streams.lua
	luaStreams string
)

// luaAbout stands at the start of a dissector.
const luaAbout = `-- A Wireshark dissector of Media over QUIC, for sessions over raw QUIC. Those of WebTransport are beyond it:
-- Wireshark takes their streams for those of HTTP/3. "moqdump" decodes both.
--
--   tshark -X lua_script:moq.lua -o tls.keylog_file:keys.log -r session.pcapng -Y moq -O moq
--
-- It puts the bytes of streams in order. What the capture lacks within a payload is passed over; behind a gap
-- elsewhere the rest of a stream is not decoded.

`

// Lua makes a Wireshark dissector of the families for sessions over raw QUIC, which are told
// apart by their ALPN. sources are the base names of the spec files. It is for Wireshark 4.0
// and later, with Lua 5.2 to 5.4. The same specs give the same bytes.
//
// It puts the bytes of streams in order. What is lost within a payload is passed over; of what is lost elsewhere
// the rest of the stream waits for ever. Of versions with one ALPN it takes the newest until a SERVER_SETUP
// names another. Rules between fields (refuse, not below) are not checked. Sessions of WebTransport are
// beyond it: Wireshark takes their streams for those of HTTP/3.
func Lua(families []*spec.Family, sources []string) ([]byte, error) {
	w := &luaWriter{sorts: map[string]map[string]string{}, alpns: map[string]bool{}}
	for _, f := range families {
		w.collect(f)
	}
	fmt.Fprintf(&w.b, "-- %s\n\n", strings.TrimPrefix(Header(strings.Join(sources, ", spec/")), "// "))
	w.b.WriteString(luaAbout)
	w.b.WriteString("-- The fields that can be filtered for: name, title and sort.\nlocal FIELDS = {\n")
	w.fields()
	w.b.WriteString("}\n\nlocal VERSIONS = {}\n")
	for _, f := range families {
		g := newGenerator(f, "")
		for _, v := range slices.Backward(f.Versions) { // of those with one ALPN the newest
			w.version(g, v)
		}
	}
	for _, text := range []string{luaValues, luaFields, luaMessages, luaObjects, luaStreams} {
		w.b.WriteString("\n" + text)
	}
	return w.b.Bytes(), w.err
}
