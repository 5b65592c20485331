package quicdec

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/talk"
)

func TestDecodesEveryVersionSuiteAndConnectionIDLength(t *testing.T) {
	cases := map[string]talk.Options{
		"v1":             {},
		"v2":             {Version: quic.Version2},
		"v2 chacha":      {Version: quic.Version2, Suite: tls.TLS_CHACHA20_POLY1305_SHA256},
		"aes 256":        {Suite: tls.TLS_AES_256_GCM_SHA384},
		"chacha":         {Suite: tls.TLS_CHACHA20_POLY1305_SHA256},
		"retry":          {Retry: true},
		"retry v2":       {Retry: true, Version: quic.Version2},
		"no client id":   {ClientID: -1, ServerID: 20},
		"long client id": {ClientID: 18, ServerID: 3}, // shorter ones, which are random, would meet again
	}
	for name, o := range cases {
		rec := record(t, o, 1000)
		r := decode(rec.Packets, rec.Keys)
		checkChat(t, r, 1000)
		if len(r.conns) != 1 {
			t.Errorf("%s: %d connections", name, len(r.conns))
			continue
		}
		c := r.conns[0]
		wantVersion, wantSuite := uint32(Version1), AES128GCM
		if o.Version != 0 {
			wantVersion = uint32(o.Version)
		}
		if o.Suite != 0 {
			wantSuite = Suite(o.Suite)
		}
		if c.Version != wantVersion || c.Suite != wantSuite || c.ALPN != "test" || c.ALPNGuessed || c.SNI != "localhost" || c.Server != rec.Server {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestFollowsKeyUpdates(t *testing.T) {
	const size = 2 << 20
	rec := record(t, talk.Options{}, size)
	r := decode(rec.Packets, rec.Keys)
	checkChat(t, r, size)
	if n := r.conns[0].dirs[ServerToClient].app.current; n == 0 {
		t.Error("the recording had no key update")
	}
}

// The secrets may stand anywhere in the file, and connection ids are announced under their protection.
func TestSecretsMayComeLate(t *testing.T) {
	rec := record(t, talk.Options{ServerID: 8}, 50_000)
	for _, when := range []int{1, 3, 5, len(rec.Packets) - 1} {
		r := decode(nil, nil)
		for i, p := range rec.Packets {
			if i == when {
				if i > 8 && !r.d.Waiting() {
					t.Error("nothing waits for secrets")
				}
				_, _ = r.d.keys.Write(rec.Keys)
				r.d.KeysChanged()
			}
			r.d.Datagram(p.Time, p.Src, p.Dst, p.Data)
		}
		r.d.Flush(rec.Packets[len(rec.Packets)-1].Time)
		checkChat(t, r, 50_000)
		if r.d.Waiting() {
			t.Error("something still waits for secrets")
		}
	}
}

func TestSaysWhichSecretsAreMissing(t *testing.T) {
	rec := record(t, talk.Options{}, 1000)
	other := record(t, talk.Options{}, 10)
	random := strings.Fields(string(rec.Keys))[1]
	var traffic []byte
	for line := range strings.Lines(string(rec.Keys)) {
		if !strings.Contains(line, "HANDSHAKE") {
			traffic = append(traffic, line...)
		}
	}
	cases := map[string]string{
		"":                                       "there are no secrets, neither in the capture nor in a key log (client random " + random + ")",
		string(other.Keys):                       "client random " + random + " is not in the key log; 1 other is",
		strings.Split(string(rec.Keys), "\n")[0]: "the key log lacks some of the secrets of client random " + random,
	}
	for keys, want := range cases {
		r := decode(rec.Packets, []byte(keys))
		p := r.d.Problems()
		if len(p) != 1 || p[0].Reason != want || p[0].Packets < 5 {
			t.Errorf("got %+v, want %s", p, want)
		}
	}
	// Without the handshake secrets the server's choice stays hidden; the streams do not, and they
	// come at once.
	r := decode(nil, traffic)
	for _, p := range rec.Packets {
		r.d.Datagram(p.Time, p.Src, p.Dst, p.Data)
	}
	if string(r.data["> bidi 0"]) != "question" || !r.conns[0].ALPNGuessed || r.conns[0].ALPN != "test" {
		t.Errorf("%q %+v", r.data, r.conns[0])
	}
}

// quic-go does not log the secret of early data, so that part stays closed, and nothing else does.
func TestEarlyDataDoesNotHoldUpTheRest(t *testing.T) {
	rec := record(t, talk.Options{Early: true}, 5000)
	early := 0
	for _, p := range rec.Packets {
		if h, err := parseLong(p.Data); err == nil && h.level == levelEarly {
			early++
		} else if err == nil && h.size < len(p.Data) {
			if h, err := parseLong(p.Data[h.size:]); err == nil && h.level == levelEarly {
				early++
			}
		}
	}
	if early == 0 {
		t.Fatal("the recording has no early data")
	}
	r := decode(rec.Packets, rec.Keys)
	p := r.d.Problems()
	if len(p) != 1 || p[0].Packets != early || !strings.HasPrefix(p[0].Reason, "the key log lacks some of the secrets of client random ") {
		t.Errorf("%d early packets, %+v", early, p)
	}
	if !bytes.Equal(r.data["< uni 3"], payload(1, 5000)) || r.ends["< uni 3"] != "fin" || !slices.Contains(r.events, `closed 3 "bye" app true`) {
		t.Errorf("%q %q", r.ends, r.events)
	}
	// What went early is unknown, unless the client had to send it once more after the handshake.
	switch question := string(r.data["> bidi 0"]); question {
	case "", "question":
	default:
		if !slices.Contains(r.events, "> bidi 0: 8 bytes missing") {
			t.Errorf("%q %q", question, r.events)
		}
	}
}

// With its secret, early data is decoded like the rest.
func TestEarlyDataIsDecodedWithItsSecret(t *testing.T) {
	rec := record(t, talk.Options{}, 1000)
	secret := bytes.Repeat([]byte{7}, 32)
	k, err := newKeys(Version1, AES128GCM, secret)
	if err != nil {
		t.Fatal(err)
	}
	first := rec.Packets[0]
	h, err := parseLong(first.Data)
	if err != nil {
		t.Fatal(err)
	}
	sealed := sealLong(k, Version1, levelEarly, 900, h.dcid, h.scid, streamFrame(400, 0, "early", true))
	early := talk.Packet{Time: first.Time, Src: first.Src, Dst: first.Dst, Data: sealed}
	random := strings.Fields(string(rec.Keys))[1]
	keys := append(slices.Clone(rec.Keys), fmt.Sprintf("CLIENT_EARLY_TRAFFIC_SECRET %s %x\n", random, secret)...)
	r := decode(slices.Insert(slices.Clone(rec.Packets), 1, early), keys)
	checkChat(t, r, 1000)
	if string(r.data["> bidi 400"]) != "early" || r.ends["> bidi 400"] != "fin" {
		t.Errorf("%q %v", r.data["> bidi 400"], r.d.Problems())
	}
}

// A server may answer in another version with the keys of the same connection id (RFC 9368).
func TestFollowsAChangeOfVersion(t *testing.T) {
	r := decode(nil, nil)
	dcid, client, server := []byte("eight or more"), mustAddr("192.0.2.1:1"), mustAddr("192.0.2.2:443")
	r.d.Datagram(time.Unix(0, 0), client, server, seal(t, dcid, make([]byte, 30)))
	secrets, err := initialSecrets(Version2, dcid)
	if err != nil {
		t.Fatal(err)
	}
	k, err := newKeys(Version2, AES128GCM, secrets[ServerToClient])
	if err != nil {
		t.Fatal(err)
	}
	r.d.Datagram(time.Unix(1, 0), server, client, sealLong(k, Version2, levelInitial, 0, nil, []byte("id"), make([]byte, 30)))
	if s := r.d.Stats(); s.Packets != 2 || s.Failed != 0 || r.d.conns[0].Version != Version2 {
		t.Errorf("%+v, version %#x", s, r.d.conns[0].Version)
	}
}
