package closing

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/gen/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Codes of draft-ietf-moq-transport, and the one of deployed moq-lite endpoints.
const (
	protocolViolation   = 0x3
	keyValueFormatting  = 0x6
	requiredRequestID   = 0x7
	malformedPath       = 0x9
	malformedAuthority  = 0x1a
	liteDecode          = 5
	subscribeUpTo16     = "00 01 01 61 01 62"    // request 0, namespace (a), track b
	subscribe17         = "00 00 01 01 61 01 62" // the same, and no required request
	subscribe18         = "00 01 01 61 01 62"
	publishNamespaceEnd = "01 01 61"
)

// rule is one thing that can be wrong in a message.
type rule struct {
	section  string // draft and section that say so
	versions []int
	message  string
	body     string // without type and length, which are put in front
	field    string
	offset   int // in the body
	code     uint64
}

var rules = []rule{
	// A key-value pair that is cut off by what holds it breaks the rules of that; one whose value is not
	// of its type, within its own length, those of its type.
	{"14:1.4.2", []int{14}, "PUBLISH_NAMESPACE", "00 01 01 61 01 03 01 05", "Parameters.AUTHORIZATION_TOKEN.Alias Type", 7, keyValueFormatting},
	{"15:9.2.1.1", []int{15, 16}, "SUBSCRIBE", subscribeUpTo16 + "01 03 01 05", "Parameters.AUTHORIZATION_TOKEN.Alias Type", 9, keyValueFormatting},
	{"17:9.3.2", []int{17}, "SUBSCRIBE", subscribe17 + "01 03 01 05", "Parameters.AUTHORIZATION_TOKEN.Alias Type", 10, keyValueFormatting},
	{"18:10.2.2", []int{18, 19, 20, 22}, "SUBSCRIBE", subscribe18 + "01 03 01 05", "Parameters.AUTHORIZATION_TOKEN.Alias Type", 9, keyValueFormatting},
	{"18:10.2.2", []int{18, 22}, "SUBSCRIBE", subscribe18 + "01 03 01 01", "Parameters.AUTHORIZATION_TOKEN.Token Alias", 10, keyValueFormatting},
	{"15:1.4.2", []int{15, 16}, "REQUEST_OK", "00 01 09 01 05", "Parameters.LARGEST_OBJECT.Object", 5, keyValueFormatting},
	{"15:1.4.2", []int{15, 16}, "REQUEST_OK", "00 01 09 03 05 06 07", "Parameters.LARGEST_OBJECT", 6, keyValueFormatting},
	{"14:9", []int{14}, "PUBLISH_NAMESPACE", "00 01 01 61 01 03 09 00", "Parameters.AUTHORIZATION_TOKEN", 7, protocolViolation},
	{"17:9", []int{17}, "REQUEST_OK", "01 09 05", "Parameters.LARGEST_OBJECT.Object", 3, protocolViolation},
	{"18:10", []int{18, 22}, "REQUEST_OK", "01 08 c0", "Parameters.EXPIRES", 2, protocolViolation},
	{"18:10", []int{18, 22}, "SUBSCRIBE", subscribe18 + "01 03 09 00", "Parameters.AUTHORIZATION_TOKEN", 9, protocolViolation},

	// Key-value pairs.
	{"14:1.4.2", []int{14, 15}, "SUBSCRIBE_UPDATE", "", "Request ID", 0, protocolViolation},
	{"16:1.4.2", []int{16}, "SERVER_SETUP", "01 07 80 01 00 00", "Parameters.MOQT_IMPLEMENTATION", 2, protocolViolation},
	{"16:1.4.2", []int{16}, "SERVER_SETUP", "01 07 01 ff", "Parameters.MOQT_IMPLEMENTATION", 3, keyValueFormatting},
	{"18:1.4.3", []int{18, 19, 20, 22}, "SETUP", "ff ff ff ff ff ff ff ff ff 00 01", "Options", 10, protocolViolation},
	{"15:9.3.1.2", []int{15, 16}, "CLIENT_SETUP", "01 01 01 ff", "Parameters.PATH", 3, malformedPath},
	{"17:9.4.1.2", []int{17, 18, 19, 20, 22}, "SETUP", "01 01 ff", "Options.PATH", 2, malformedPath},
	{"17:9.4.1.1", []int{17, 18, 19, 20, 22}, "SETUP", "05 01 ff", "Options.AUTHORITY", 2, malformedAuthority},
	{"15:9.2", []int{15}, "SERVER_SETUP", "02 04 01 04 01", "Parameters.MAX_AUTH_TOKEN_CACHE_SIZE", 4, protocolViolation},
	{"16:9.2", []int{16}, "SERVER_SETUP", "02 04 01 00 01", "Parameters.MAX_AUTH_TOKEN_CACHE_SIZE", 4, protocolViolation},

	// Message parameters.
	{"16:9.2", []int{16}, "REQUEST_OK", "00 01 3f 00", "Parameters.Unknown", 3, protocolViolation},
	{"17:9.3", []int{17, 18, 19, 20, 22}, "REQUEST_OK", "01 7c 00", "Parameters.Unknown", 2, protocolViolation},
	{"17:9.3.1", []int{17, 18, 19, 20, 22}, "FETCH_OK", "00 00 00 01 08 00", "Parameters.EXPIRES", 5, protocolViolation},
	{"17:9.3", []int{17, 18, 19, 20, 22}, "REQUEST_OK", "02 08 01 00 01", "Parameters.EXPIRES", 4, protocolViolation},
	{"15:9.2", []int{15}, "REQUEST_OK", "00 02 08 01 08 01", "Parameters.EXPIRES", 5, protocolViolation},
	{"18:10.2", []int{18, 19, 20, 22}, "REQUEST_OK", "02 08 01 ff ff ff ff ff ff ff ff ff", "Parameters", 3, protocolViolation},
	{"15:9.2.1.10", []int{15}, "SUBSCRIBE", subscribeUpTo16 + "01 10 02", "Parameters.FORWARD", 8, protocolViolation},
	{"16:9.2.2.8", []int{16}, "SUBSCRIBE", subscribeUpTo16 + "01 10 43 e8", "Parameters.FORWARD", 8, protocolViolation},
	{"17:9.3.10", []int{17}, "SUBSCRIBE", subscribe17 + "01 10 02", "Parameters.FORWARD", 9, protocolViolation},
	{"15:9.2.1.5", []int{15, 16}, "SUBSCRIBE", subscribeUpTo16 + "01 20 41 00", "Parameters.SUBSCRIBER_PRIORITY", 8, protocolViolation},
	{"15:9.2.1.6", []int{15, 16, 18, 19, 20, 22}, "SUBSCRIBE", subscribe18 + "01 22 00", "Parameters.GROUP_ORDER", 8, protocolViolation},
	{"15:9.2.1.2", []int{15, 16}, "SUBSCRIBE", subscribeUpTo16 + "01 02 00", "Parameters.DELIVERY_TIMEOUT", 8, protocolViolation},
	{"15:9.2.1.7", []int{15, 16, 18, 19}, "SUBSCRIBE", subscribe18 + "01 21 01 05", "Parameters.LOCATION_FILTER.Type", 9, protocolViolation},
	{"15:9.2.1.7", []int{15, 16, 18, 19}, "SUBSCRIBE", subscribe18 + "01 21 02 02 00", "Parameters.LOCATION_FILTER", 10, protocolViolation},
	{"15:9.2.1.7", []int{15, 16, 18, 19}, "SUBSCRIBE", subscribe18 + "01 21 01 03", "Parameters.LOCATION_FILTER.Start Group", 10, protocolViolation},
	{"20:10.2.9", []int{20}, "SUBSCRIBE", subscribe18 + "01 21 05 00 00 00 00 00", "Parameters.LOCATION_FILTER.Type", 9, protocolViolation},
	{"22:9.20.9", []int{22}, "SUBSCRIBE", subscribe18 + "01 21 06", "Parameters.LOCATION_FILTER.Type", 8, protocolViolation},
	{"20:10.2.15", []int{20, 22}, "SUBSCRIBE", subscribe18 + "01 23 03 01 02 00", "Parameters.FILL_PARAMETERS.DELIVERY_TIMEOUT", 11, protocolViolation},
	{"20:10.2", []int{20, 22}, "TRACK_STATUS", subscribe18 + "01 35 02", "Parameters.INCLUDE_PROPERTIES", 8, protocolViolation},

	// Properties.
	{"16:11", []int{16}, "SUBSCRIBE_OK", "00 00 00 22 03", "Track Properties.DEFAULT_PUBLISHER_GROUP_ORDER", 4, protocolViolation},
	{"17:11.6", []int{17, 18, 19, 20, 22}, "SUBSCRIBE_OK", "00 00 30 02", "Track Properties.DYNAMIC_GROUPS", 3, protocolViolation},

	// Fields.
	{"17:9.2", []int{17}, "SUBSCRIBE", "05 03 01 01 61 01 62 00", "Required Request ID Delta", 1, requiredRequestID},
	{"17:9.2", []int{17}, "FETCH", "05 03 01 01 01 61 01 62 00 00 00 00 00", "Required Request ID Delta", 1, requiredRequestID},
	{"17:1.4.1", []int{17}, "SUBSCRIBE", "fc 00 00 00 00 00 00", "Request ID", 0, protocolViolation},
	{"14:1.4.3", []int{15}, "REQUEST_ERROR", "00 00 44 01" + strings.Repeat("61", 1025), "Reason Phrase", 2, protocolViolation},
	{"14:9.4", []int{14, 15, 16}, "GOAWAY", "60 01" + strings.Repeat("61", 8193), "New Session URI", 0, protocolViolation},
	{"14:2.4.1", []int{14, 15, 16}, "SUBSCRIBE", "00 00 00 00 00", "Track Namespace", 1, protocolViolation},
	{"16:2.4.1", []int{16, 18, 22}, "SUBSCRIBE", "00 01 00 00 00", "Track Namespace[0]", 2, protocolViolation},
	{"14:9.7", []int{14}, "SUBSCRIBE", subscribeUpTo16 + "80 03 01 02 00", "Group Order", 7, protocolViolation},
	{"14:9.7", []int{14}, "SUBSCRIBE", subscribeUpTo16 + "80 00 02 02 00", "Forward", 8, protocolViolation},
	{"14:9", []int{14, 15, 16}, "UNSUBSCRIBE", "00 00", "", 1, protocolViolation},
	{"14:9", []int{14, 15, 16}, "UNSUBSCRIBE", "40", "Request ID", 0, protocolViolation},
}

// framed is a control message with this body.
func framed(v moqt.Version, m moqt.Message, body string) (src []byte, at int) {
	b, err := hex.DecodeString(strings.ReplaceAll(body, " ", ""))
	if err != nil {
		panic(err)
	}
	code := types[m.MessageName()]
	src = wire.RFC9000.Append(nil, code)
	if v >= 17 {
		src = wire.Vi64.Append(nil, code)
	}
	src = append(src, byte(len(b)>>8), byte(len(b)))
	return append(src, b...), len(src)
}

var types = map[string]uint64{
	"SUBSCRIBE_UPDATE": 0x2, "SUBSCRIBE": 0x3, "REQUEST_ERROR": 0x5, "REQUEST_OK": 0x7, "SUBSCRIBE_OK": 0x4, "PUBLISH_NAMESPACE": 0x6, "UNSUBSCRIBE": 0xa,
	"TRACK_STATUS": 0xd, "GOAWAY": 0x10, "FETCH": 0x16, "FETCH_OK": 0x18, "CLIENT_SETUP": 0x20, "SERVER_SETUP": 0x21, "SETUP": 0x2f00,
}

func TestTransportClosesWithTheCodeOfTheRule(t *testing.T) {
	for _, r := range rules {
		for _, n := range r.versions {
			v := moqt.Version(n)
			m := moqt.NewMessage(r.message)
			src, at := framed(v, m, r.body)
			_, err := m.Parse(src, v)
			check(t, fmt.Sprintf("%s (section %s): %x", v, r.section, src), err, want{v.String(), r.message, r.field, r.offset + at, r.code})
		}
	}
}

// want is what an error has to say.
type want struct {
	version, message, field string
	offset                  int
	code                    uint64
}

func check(t *testing.T, what string, err error, w want) {
	t.Helper()
	var e *wire.Error
	switch {
	case !errors.As(err, &e):
		t.Errorf("%.120s: %v", what, err)
	case !errors.Is(err, wire.ErrMalformed):
		t.Errorf("%.120s: not malformed: %v", what, err)
	case e.Version != w.version || e.Message != w.message || e.Field != w.field || e.Offset != w.offset:
		t.Errorf("%.120s: %v; it should be at %s, offset %d", what, err, w.field, w.offset)
	case e.Close != w.code:
		t.Errorf("%.120s: %v: closes with 0x%x, not 0x%x", what, err, e.Close, w.code)
	case e.Expected == "":
		t.Errorf("%.120s: %v: does not say what was expected", what, err)
	}
}

// What is unframed may be short forever; what is malformed there has a code too.
func TestDataStreamsAndDatagramsCloseWithAProtocolViolation(t *testing.T) {
	for _, r := range []struct {
		section string
		v       moqt.Version
		m       moqt.Message
		src     string
		field   string
		offset  int
		code    uint64
	}{
		{"18:11.4.2", 18, &moqt.SubgroupHeader{}, "16 00 00 00 00", "Type", 0, protocolViolation},
		{"14:10.4.2", 14, &moqt.SubgroupHeader{}, "40 90 00 00 00", "Type", 0, protocolViolation},
		{"18:11.3.1", 18, &moqt.ObjectDatagram{}, "22 00 00 00 00 03", "", 6, protocolViolation},
		{"18:11.2.1.2", 18, &moqt.SubgroupObject{HasProperties: true}, "00 03 0b 05 61 00", "Properties.IMMUTABLE", 4, protocolViolation},
		{"18:11.4.4.1", 18, &moqt.FetchObject{First: true}, "88 00 00", "Flags", 0, protocolViolation},
		{"18:11.4.4.1", 18, &moqt.FetchObject{First: true}, "00 00", "", 2, protocolViolation},
		{"18:11.2.1.1", 18, &moqt.SubgroupObject{HasProperties: true}, "00 02 3c 01 00 03", "", 6, protocolViolation},
	} {
		src, err := hex.DecodeString(strings.ReplaceAll(r.src, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.m.Parse(src, r.v)
		check(t, fmt.Sprintf("%s (section %s): %x", r.v, r.section, src), err, want{r.v.String(), r.m.MessageName(), r.field, r.offset, r.code})
	}
}

func TestLiteClosesWithTheCodeOfDeployedEndpoints(t *testing.T) {
	for _, r := range []struct {
		v      lite.Version
		m      lite.Message
		src    string
		field  string
		offset int
	}{
		{5, &lite.Setup{}, "05 02 01 01 00 01 00", "Parameters.Probe", 6},
		{5, &lite.Setup{}, "05 01 01 02 00 00", "Parameters.Probe", 5},
		{5, &lite.TrackInfo{}, "04 00 00 00 00", "Timescale", 4},
		{4, &lite.Announce{}, "04 02 01 61 00", "Status", 1},
		{3, &lite.Announce{}, "04 01 01 61 21", "Hop Count", 4},
		{1, &lite.Subscribe{}, "02 00 00 00", "Track", 3},
	} {
		src, err := hex.DecodeString(strings.ReplaceAll(r.src, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.m.Parse(src, r.v)
		check(t, fmt.Sprintf("%s: %x", r.v, src), err, want{r.v.String(), r.m.MessageName(), r.field, r.offset, liteDecode})
	}
}
