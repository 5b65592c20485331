package quicdec

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// The worked examples of RFC 9001 appendix A.1 and RFC 9369 appendix A.1.
func TestInitialKeysOfTheRFCs(t *testing.T) {
	cases := []struct {
		version uint32
		label   string
		want    [2][3]string // client, server: key, iv, hp
	}{
		{Version1, "quic ", [2][3]string{
			{"1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2"},
			{"cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e", "c206b8d9b9f0f37644430b490eeaa314"},
		}},
		{Version2, "quicv2 ", [2][3]string{
			{"8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9"},
			{"82db637861d55e1d011f19ea71d5d2a7", "dd13c276499c0249d3310652", "edf6d05c83121201b436e16877593c3a"},
		}},
	}
	h, _ := AES128GCM.hash()
	for _, tc := range cases {
		secrets, err := initialSecrets(tc.version, unhex("8394c8f03e515708"))
		if err != nil {
			t.Fatal(err)
		}
		for dir, want := range tc.want {
			for i, part := range []string{"key", "iv", "hp"} {
				got, err := expandLabel(h, secrets[dir], tc.label+part, len(want[i])/2)
				if err != nil || hex.EncodeToString(got) != want[i] {
					t.Errorf("version %#x %s %s: got %x, want %s", tc.version, Dir(dir), part, got, want[i])
				}
			}
		}
	}
}

// RFC 9001 appendix A.5: a short header packet under ChaCha20-Poly1305.
func TestChaChaPacketOfTheRFC(t *testing.T) {
	secret := unhex("9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b")
	packet := unhex("4cfe4189655e5cd55c41f69080575d7999c25a5bfb")
	k, err := newKeys(Version1, ChaCha20, secret)
	if err != nil {
		t.Fatal(err)
	}
	h, ok := unmask(k.hp, nil, packet, 1, 654360564)
	if !ok || h.pn != 654360564 || hex.EncodeToString(h.bytes) != "4200bff4" {
		t.Fatalf("header %x packet number %d", h.bytes, h.pn)
	}
	if out, ok := k.open(nil, packet, h); !ok || hex.EncodeToString(out) != "01" {
		t.Errorf("opened to %x", out)
	}
	next, err := nextSecret(Version1, ChaCha20, secret)
	if err != nil || hex.EncodeToString(next) != "1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9" {
		t.Errorf("the next secret is %x", next)
	}
}

func TestRestoresPacketNumbers(t *testing.T) {
	cases := []struct {
		pn     uint64
		size   int
		expect uint64
		want   uint64
	}{
		{0x9b32, 2, 0xa82f30eb, 0xa82f9b32}, // RFC 9000 appendix A.3
		{0, 1, 0, 0}, {255, 1, 0, 255}, {0, 1, 200, 256}, {255, 1, 257, 255}, {1, 1, 1 << 20, 1<<20 + 1},
	}
	for _, tc := range cases {
		if got := fullNumber(tc.pn, tc.size, tc.expect); got != tc.want {
			t.Errorf("%+v: got %#x", tc, got)
		}
	}
}

func TestKeyLogTakesPiecesAndSkipsTheRest(t *testing.T) {
	random, secret := strings.Repeat("ab", 32), strings.Repeat("01", 48)
	text := "# comment\nCLIENT_RANDOM " + random + " " + secret + "\r\n" +
		"EXPORTER_SECRET " + random + " " + secret + "\n" +
		"CLIENT_TRAFFIC_SECRET_0 " + random + " zz\n" +
		"CLIENT_TRAFFIC_SECRET_0 abcd " + secret + "\n" +
		strings.Repeat("x", 3*maxLine) + "\n" +
		"SERVER_TRAFFIC_SECRET_0 " + random + " " + secret + "\r\n" +
		"CLIENT_HANDSHAKE_TRAFFIC_SECRET " + random + " " + secret
	for step := 1; step < 200; step += 7 {
		k := &KeyLog{}
		for piece := range slices.Chunk([]byte(text), step) {
			_, _ = k.Write(piece)
		}
		k.Add(nil)
		s := k.sessions[clientRandom(unhex(random))]
		if k.Sessions() != 1 || s == nil || s.traffic[0] != nil || len(s.traffic[1]) != 48 || len(s.handshake[0]) != 48 {
			t.Fatalf("in pieces of %d: %+v", step, s)
		}
	}
}
