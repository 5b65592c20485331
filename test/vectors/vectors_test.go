package vectors

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/gen/wire"
)

// The outcome of all vectors.
var (
	passed, failed int
	notYet         = map[string]int{} // by message, or by version where no spec has that
)

// TestMain prints the outcome after the tests, where -v does not bury it.
func TestMain(m *testing.M) {
	code := m.Run()
	fmt.Printf("vectors: %d passed, %d failed\n", passed, failed)
	total := 0
	for _, key := range slices.Sorted(maps.Keys(notYet)) {
		fmt.Printf("not in the spec yet: %4d %s\n", notYet[key], key)
		total += notYet[key]
	}
	fmt.Printf("vectors: %d not in the spec yet\n", total)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}

// errNotYet is what a run gives for a vector that the specs do not cover.
var errNotYet = errors.New("not in the spec yet")

func TestVectors(t *testing.T) {
	for _, v := range load(t) {
		if v.Stream != nil {
			continue // a session
		}
		switch err := runVector(t, v); {
		case err == nil:
			passed++
		case errors.Is(err, errNotYet):
			notYet[missing(v)]++
		default:
			failed++
			text := "-"
			if v.Hex != nil {
				text = *v.Hex
			}
			t.Errorf("%s: %s %s (%s %s) %.160s: %v", v.at, v.Version, v.Message, v.Note, v.Source, text, err)
		}
	}
}

// missing names what the specs lack for a vector.
func missing(v *vector) string {
	p, ok := protocolOf(v.Version)
	switch {
	case !ok:
		return "version " + v.Version
	case p.lite:
		return "moq-lite " + messageName(v.Message)
	}
	return "moq-transport " + messageName(v.Message)
}

// runVector runs one vector of any of the formats for messages.
func runVector(t *testing.T, v *vector) error {
	message := messageName(v.Message)
	if v.Version == "any" || message == "varint" {
		return runPrimitive(t, v)
	}
	if treat(protocol{}, v) == ambiguous {
		return nil
	}
	if v.Version == "lite-01/02" {
		return runBoth(t, v)
	}
	p, ok := protocolOf(v.Version)
	if !ok {
		return errNotYet
	}
	if message == "ANNOUNCE" && p.has("ANNOUNCE_START") && v.JS == nil && v.Hex != nil {
		message = "ANNOUNCE_START"
	}
	switch {
	case strings.HasPrefix(v.Message, "SESSION_CLIENT"): // on a stream of type 0, which is refused
		if _, _, err := lite.ParseBidiStream(v.bytes(t), lite.Version(p.version)); err == nil {
			return errors.New("served, but has to be refused")
		}
		return nil
	case v.Hex == nil:
		return runRefused(p, v, message)
	case v.JS != nil:
		return runDisputed(t, p, v, message)
	case message == "STREAM":
		return runLiteStream(p, v, v.bytes(t))
	case message == "SUBGROUP_STREAM":
		return runSubgroupStream(p, v, v.bytes(t))
	case message == "FETCH_STREAM", message == "FETCH_OBJECT", message == "FETCH_DATA":
		return runFetchStream(p, v, v.bytes(t))
	case message == "SUBGROUP_OBJECT":
		return runSubgroupObject(p, v, v.bytes(t))
	case message == "UNKNOWN" || message == "PUBLISH_OK" && p.version >= 18:
		return runControl(p, v, v.bytes(t)) // what answers a PUBLISH there is a REQUEST_OK
	case !p.has(message) && treat(p, v) != mustReject:
		return errNotYet
	}
	return runMessage(p, v, message, v.bytes(t))
}

// runMessage decodes, compares the fields, and encodes again.
func runMessage(p protocol, v *vector, message string, src []byte) error {
	how := treat(p, v)
	if how == ambiguous {
		return nil
	}
	c := p.codec(message)
	if m, ok := c.value.(*moqt.Namespace); ok {
		m.Cluster = v.Fields["HOP_PATH"] != nil
	}
	n, err := c.parse(src)
	if v.Error != "" || how == mustReject {
		if err == nil {
			return fmt.Errorf("decoded, but has to be rejected: %+v", c.value)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if n != len(src) {
		return fmt.Errorf("%d of %d bytes consumed", n, len(src))
	}
	if v.Fields != nil && how != bytesOnly {
		if err := p.matchMessage(v.Fields, message, c.value); err != nil {
			return err
		}
	}
	if how == decodeOnly || !v.canonical() {
		return nil
	}
	return sameAgain(c, src)
}

// runControl runs a message whose type tells what it is.
func runControl(p protocol, v *vector, src []byte) error {
	parse := moqt.ParseControlMessage
	if p.version >= 17 {
		parse = moqt.ParseResponse
	}
	m, n, err := parse(src, moqt.Version(p.version))
	switch {
	case v.Error != "" && err == nil:
		return fmt.Errorf("decoded, but has to be rejected: %+v", m)
	case v.Error != "":
		return nil
	case err != nil || n != len(src):
		return fmt.Errorf("%d of %d bytes: %w", n, len(src), err)
	}
	return p.matchMessage(v.Fields, m.MessageName(), m)
}

// sameAgain encodes what was decoded.
func sameAgain(c *codec, src []byte) error {
	out, err := c.append(nil)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	if !bytes.Equal(out, src) {
		return fmt.Errorf("encoded as %x", out)
	}
	return nil
}

// runRefused runs a vector that says an encoder refuses these fields.
func runRefused(p protocol, v *vector, message string) error {
	c := p.codec(message)
	if c == nil {
		return errNotYet
	}
	out, err := c.append(nil)
	switch {
	case err == nil:
		return fmt.Errorf("encoded as %x, but has to be refused", out)
	case !p.has(message) && !errors.Is(err, wire.ErrUnsupported):
		return err
	}
	return nil
}

// runBoth runs a vector of moq-lite 01 and 02 on both.
func runBoth(t *testing.T, v *vector) error {
	for _, version := range []string{"lite-01", "lite-02"} {
		one := *v
		one.Version = version
		if strings.HasSuffix(v.Message, "(after the type byte)") {
			src := map[string]string{"CLIENT_SETUP": "20", "SERVER_SETUP": "21"}[messageName(v.Message)] + *v.Hex
			one.Hex, one.Message = &src, messageName(v.Message)
		}
		if err := runVector(t, &one); err != nil {
			return err
		}
	}
	return nil
}

// runDisputed runs an input on which two implementations gave their verdict. The one that
// relays run counts where they differ.
func runDisputed(t *testing.T, p protocol, v *vector, message string) error {
	src := v.bytes(t)
	rust, ok := v.Rust.(map[string]any)
	if !ok {
		return fmt.Errorf("no verdict")
	}
	var value any
	var n int
	var err error
	switch {
	case message == "SUBSCRIBE_RESPONSE":
		value, n, err = lite.ParseSubscribeResponse(src, lite.Version(p.version))
	case message == "ANNOUNCE" && !p.has(message):
		value, n, err = lite.ParseAnnouncement(src, lite.Version(p.version))
	default:
		c := p.codec(message)
		n, err = c.parse(src)
		value = c.value
	}
	if want := rust["ok"] == true; want != (err == nil && n == len(src)) {
		return fmt.Errorf("want ok %v, got %d of %d bytes: %w", want, n, len(src), err)
	}
	fields, ok := v.JS.Value.(map[string]any)
	if v.JS.OK && ok && message != "SUBSCRIBE_RESPONSE" && err == nil {
		return p.matchMessage(fields, message, value)
	}
	return nil
}
