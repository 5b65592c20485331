package webtransport_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/moqrx/moqrx/session/transport/webtransport"
)

// TestServersOfEveryDraft has servers that differ in their settings, and asks them in their words.
func TestServersOfEveryDraft(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings map[uint64]uint64
		datagram bool
		want     string // :protocol, or "" when it is not asked
	}{
		{"draft-02", map[uint64]uint64{0x2b603742: 1}, true, "webtransport"},
		{"draft-07, as quinn", map[uint64]uint64{0x2b603742: 1, 0x2b603743: 1, 0xc671706a: 1, 0xffd277: 1}, true, "webtransport"},
		{"draft-13", map[uint64]uint64{0x14e9cd29: 5}, true, "webtransport"},
		{"draft-15", map[uint64]uint64{0x2c7cf000: 1, 0x2b603742: 1}, true, "webtransport-h3"},
		{"switched off", map[uint64]uint64{0x2c7cf000: 0, 0x14e9cd29: 0}, true, ""},
		{"none", nil, true, ""},
		{"no datagrams", map[uint64]uint64{0x2c7cf000: 1}, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			asked := make(chan *http.Request, 1)
			server := &http3.Server{
				AdditionalSettings: c.settings, EnableDatagrams: c.datagram,
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					asked <- r
					w.WriteHeader(http.StatusForbidden)
				}),
			}
			q := dialHTTP3(ctx, t, func(q *quicgo.Conn) error { return server.ServeQUICConn(q) })
			u := &url.URL{Scheme: "https", Host: "relay.example"}
			_, err := webtransport.Dial(ctx, q, u, []string{"moq-lite-05", "moq-lite-04"})
			if err == nil || !strings.HasPrefix(err.Error(), "no WebTransport session: the server ") {
				t.Errorf("Dial: %v", err)
			}
			if c.want == "" {
				if len(asked) > 0 {
					t.Error("it was asked")
				}
				return
			}
			r := <-asked
			if old := r.Header.Get("Sec-Webtransport-Http3-Draft02"); r.Proto != c.want || (old == "1") != (c.want == "webtransport") {
				t.Errorf("asked for %q with draft-02 header %q", r.Proto, old)
			}
			if got := r.Header.Get("Wt-Available-Protocols"); got != `"moq-lite-05", "moq-lite-04"` || r.Host != "relay.example" || r.URL.Path != "/" {
				t.Errorf("asked %s for %s with %s", r.Host, r.URL, got)
			}
		})
	}
}
