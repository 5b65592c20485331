package capfile

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/gen/wiretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// builder writes captures in either byte order, by hand.
type builder struct {
	bytes.Buffer
	order binary.AppendByteOrder
}

func (b *builder) u32(vs ...uint32) {
	for _, v := range vs {
		b.Write(b.order.AppendUint32(nil, v))
	}
}

func (b *builder) u16(vs ...uint16) {
	for _, v := range vs {
		b.Write(b.order.AppendUint16(nil, v))
	}
}

func (b *builder) block(typ uint32, body ...byte) {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	b.u32(typ, uint32(len(body)+12))
	b.Write(body)
	b.u32(uint32(len(body) + 12))
}

func (b *builder) sub(fill func(*builder)) []byte {
	in := &builder{order: b.order}
	fill(in)
	return in.Bytes()
}

func (b *builder) section() {
	b.block(blockSection, b.sub(func(in *builder) { in.u32(byteOrderMagic, 1, 0xffffffff, 0xffffffff) })...)
}

func (b *builder) iface(link uint16, opts ...byte) {
	b.block(blockInterface, append(b.sub(func(in *builder) { in.u16(link, 0); in.u32(0) }), opts...)...)
}

func (b *builder) enhanced(id, hi, lo, length uint32, data string) {
	b.block(blockEnhanced, append(b.sub(func(in *builder) { in.u32(id, hi, lo, uint32(len(data)), length) }), data...)...)
}

// got is a record as text.
func got(r Record) string {
	if r.Secrets != nil {
		return fmt.Sprintf("secrets %#x %q", r.SecretsType, r.Secrets)
	}
	at := "-"
	if !r.Time.IsZero() {
		at = r.Time.Format(time.RFC3339Nano)
	}
	return fmt.Sprintf("%s link %d %q of %d", at, r.Link, r.Data, r.Length)
}

func readAll(t testing.TB, in io.Reader) ([]string, error) {
	t.Helper()
	r, err := NewReader(in)
	if err != nil {
		return nil, err
	}
	var out []string
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, got(rec))
	}
}

var orders = map[string]binary.AppendByteOrder{"little": binary.LittleEndian, "big": binary.BigEndian}

func TestReadsClassicCapturesOfBothOrdersAndUnits(t *testing.T) {
	for name, order := range orders {
		for magic, frac := range map[uint32]uint32{magicMicro: 250, magicNano: 250_000} {
			b := &builder{order: order}
			b.u32(magic)
			b.u16(2, 4)
			b.u32(0, 0, 65535, 0xf000_0000|276)
			b.u32(1_700_000_000, frac, 5, 9)
			b.WriteString("hello")
			b.u32(1_700_000_001, 0, 0, 0)
			recs, err := readAll(t, b)
			want := []string{
				`2023-11-14T22:13:20.00025Z link 276 "hello" of 9`,
				`2023-11-14T22:13:21Z link 276 "" of 0`,
			}
			if diff := cmp.Diff(want, recs); diff != "" || err != nil {
				t.Errorf("%s %#x: %v %s", name, magic, err, diff)
			}
		}
	}
}

// ngSample has two interfaces of different units, an unknown block between them, secrets after
// the first packet, both packet blocks that are not the usual one, and a second section.
func ngSample(order binary.AppendByteOrder) *builder {
	b := &builder{order: order}
	b.section()
	b.iface(1, b.sub(func(in *builder) {
		in.u16(2, 3)
		in.WriteString("lo0\x00")
		in.u16(9, 1)
		in.Write([]byte{9, 0, 0, 0, 0, 0, 0, 0})
	})...)
	b.block(5, 1, 2, 3, 4)
	offset := order.AppendUint64(nil, 1_700_000_000)
	b.iface(101, append(b.sub(func(in *builder) { in.u16(9, 1); in.Write([]byte{0x80 | 10, 0, 0, 0}); in.u16(14, 8) }), offset...)...)
	nanos := uint64(1_700_000_000_000_000_001)
	b.enhanced(0, uint32(nanos>>32), uint32(nanos), 7, "eth")
	b.block(blockSecrets, append(b.sub(func(in *builder) { in.u32(SecretsTLS, 5) }), "LABEL"...)...)
	b.enhanced(1, 0, 1024+512, 3, "raw")
	b.block(blockSimple, append(b.sub(func(in *builder) { in.u32(6) }), "simple"...)...)
	b.section()
	b.iface(276)
	b.block(blockPacket, append(b.sub(func(in *builder) { in.u16(0, 0); in.u32(0, 1_000_001, 3, 3) }), "old"...)...)
	return b
}

var ngWant = []string{
	`2023-11-14T22:13:20.000000001Z link 1 "eth" of 7`,
	`secrets 0x544c534b "LABEL"`,
	`2023-11-14T22:13:21.5Z link 101 "raw" of 3`,
	`- link 1 "simple" of 6`,
	`1970-01-01T00:00:01.000001Z link 276 "old" of 3`,
}

func TestReadsEveryPcapngBlockInBothOrders(t *testing.T) {
	for name, order := range orders {
		recs, err := readAll(t, ngSample(order))
		if diff := cmp.Diff(ngWant, recs); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

func TestReadsGzip(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := ngSample(binary.LittleEndian).WriteTo(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whole := bytes.Clone(zipped.Bytes())
	recs, err := readAll(t, &zipped)
	if diff := cmp.Diff(ngWant, recs); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := readAll(t, bytes.NewReader(whole[:len(whole)-12])); !errors.Is(err, ErrTruncated) {
		t.Errorf("a gzip file cut short gave %v", err)
	}
}

func TestEveryTruncationKeepsWhatCameBefore(t *testing.T) {
	whole := ngSample(binary.BigEndian).Bytes()
	clean := 0
	for n := 4; n < len(whole); n++ {
		recs, err := readAll(t, bytes.NewReader(whole[:n]))
		if err == nil {
			clean++
		} else if !errors.Is(err, ErrTruncated) {
			t.Fatalf("cut at %d: %v", n, err)
		}
		if diff := cmp.Diff(ngWant[:len(recs)], recs, cmp.Transformer("slice", func(s []string) []string { return append([]string{}, s...) })); diff != "" {
			t.Fatalf("cut at %d: %s", n, diff)
		}
	}
	if clean != 10 { // one per block boundary
		t.Errorf("%d cuts looked like a whole file", clean)
	}
}

func TestRecordsComeWhileThePipeIsOpen(t *testing.T) {
	pr, pw := io.Pipe()
	whole := ngSample(binary.LittleEndian).Bytes()
	read := make(chan string)
	go func() {
		defer close(read)
		r, err := NewReader(pr)
		for err == nil {
			var rec Record
			if rec, err = r.Next(); err == nil {
				read <- got(rec)
			}
		}
	}()
	// The third of the blocks with a record is complete; nothing of the next is there.
	first := bytes.Index(whole, []byte("eth")) + 8
	if _, err := pw.Write(whole[:first]); err != nil {
		t.Fatal(err)
	}
	if one := <-read; one != ngWant[0] {
		t.Errorf("got %s", one)
	}
	if err := pw.Close(); err != nil {
		t.Fatal(err)
	}
	for more := range read {
		t.Errorf("unexpected record %s", more)
	}
}

func TestNamesWhatIsWrong(t *testing.T) {
	ng := func(fill func(b *builder)) []byte {
		b := &builder{order: binary.LittleEndian}
		b.section()
		fill(b)
		return b.Bytes()
	}
	cases := map[string]struct {
		in   []byte
		want string
	}{
		"empty":          {nil, "byte 0: not a pcap or pcapng capture: it is empty"},
		"short":          {[]byte{1, 2}, "byte 0: not a pcap or pcapng capture: it is 2 bytes long"},
		"text":           {[]byte("# readme"), "byte 0: not a pcap or pcapng capture: it starts with 23 20 72 65"},
		"bad gzip":       {[]byte{0x1f, 0x8b, 0, 0, 0, 0, 0, 0, 0, 0}, "byte 0: not a pcap or pcapng capture: gzip header: gzip: invalid header"},
		"byte order":     {[]byte{0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 1, 2, 3, 4}, "byte 0: section header with byte order 01 02 03 04"},
		"no interface":   {ng(func(b *builder) { b.enhanced(3, 0, 0, 1, "x") }), "byte 28: packet of interface 3; 0 are described"},
		"block length":   {ng(func(b *builder) { b.u32(6, 13) }), "byte 28: block type 0x6 with the impossible length 13"},
		"trailing":       {ng(func(b *builder) { b.u32(1, 20, 1, 0, 24) }), "byte 28: block type 0x1 starts with length 20 and ends with length 24"},
		"huge block":     {ng(func(b *builder) { b.u32(6, 0xfffffff0) }), "byte 28: block type 0x6 of 4294967280 bytes, above the limit of 16777216"},
		"captured lie":   {ng(func(b *builder) { b.iface(1); b.block(6, b.sub(func(in *builder) { in.u32(0, 0, 0, 99, 99) })...) }), "byte 48: packet of 99 bytes in a block with room for 0"},
		"secrets lie":    {ng(func(b *builder) { b.block(10, b.sub(func(in *builder) { in.u32(SecretsTLS, 99) })...) }), "byte 28: secrets of 99 bytes in a block with room for 0"},
		"cut in a block": {ng(func(b *builder) { b.u32(6, 64, 0) }), "byte 28: the capture ends inside a record: 12 bytes of it are there, at least 52 more were announced"},
	}
	for name, tc := range cases {
		if _, err := readAll(t, bytes.NewReader(tc.in)); err == nil || err.Error() != tc.want {
			t.Errorf("%s: got %v\nwant %s", name, err, tc.want)
		}
	}
}

// pcapgo is the second opinion: it wrote none of the code under test.
func TestAgreesWithPcapgo(t *testing.T) {
	dir := os.Getenv("MOQRX_CAPTURES")
	if dir == "" {
		t.Skip("MOQRX_CAPTURES does not name a folder of captures")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.pcap*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures in %s: %v", dir, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, ".gz") {
			continue // pcapgo does not look into them
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		mine, err := NewReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := openPcapgo(raw)
		if err != nil {
			t.Fatal(err)
		}
		packets := 0
		for {
			rec, err := mine.Next()
			if err == nil && rec.Secrets != nil {
				continue
			}
			data, ci, theirErr := theirs.ReadPacketData()
			if err != nil && theirErr != nil {
				if !errors.Is(err, io.EOF) || !errors.Is(theirErr, io.EOF) {
					t.Logf("%s is cut after %d packets: %v against %v", name, packets, err, theirErr)
				}
				break
			}
			if err != nil || theirErr != nil {
				t.Fatalf("%s after %d: %v against %v", name, packets, err, theirErr)
			}
			if !bytes.Equal(data, rec.Data) || !ci.Timestamp.Equal(rec.Time) || ci.Length != rec.Length {
				t.Fatalf("%s packet %d differs", name, packets)
			}
			packets++
		}
		if packets == 0 {
			t.Errorf("%s: no packets", name)
		}
	}
}

func openPcapgo(raw []byte) (gopacket.PacketDataSource, error) {
	if r, err := pcapgo.NewReader(bytes.NewReader(raw)); err == nil {
		return r, nil
	}
	return pcapgo.NewNgReader(bytes.NewReader(raw), pcapgo.DefaultNgReaderOptions)
}

func TestReadsWhatPcapgoWrites(t *testing.T) {
	var out bytes.Buffer
	w, err := pcapgo.NewNgWriter(&out, layers.LinkTypeRaw)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WriteDecryptionSecretsBlock(SecretsTLS, []byte("KEYS")); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_700_000_000, 123_456_789)
	if err := w.WritePacket(gopacket.CaptureInfo{Timestamp: at, CaptureLength: 3, Length: 3}, []byte("abc")); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	recs, err := readAll(t, &out)
	want := []string{`secrets 0x544c534b "KEYS"`, `2023-11-14T22:13:20.123456789Z link 101 "abc" of 3`}
	if diff := cmp.Diff(want, recs); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func FuzzReader(f *testing.F) {
	for _, order := range orders {
		f.Add(ngSample(order).Bytes())
	}
	b := &builder{order: binary.LittleEndian}
	b.u32(magicMicro, 0x40002, 0, 0, 65535, 1, 1, 2, 3, 3)
	b.WriteString("abc")
	f.Add(b.Bytes())
	decode := func(t testing.TB, in []byte) {
		r, err := NewReader(bytes.NewReader(in))
		for err == nil {
			var rec Record
			if rec, err = r.Next(); err == nil && len(rec.Data) > len(in)*2000 {
				t.Fatalf("%d bytes from %d", len(rec.Data), len(in))
			}
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		// Two buffers of 64 KB and the tables of gzip, which makes up to a thousand bytes of one; those are
		// read into a buffer that doubles.
		wiretest.Bounded(t, 200<<10+4096*uint64(len(in)), func() { decode(t, in) })
	})
}
