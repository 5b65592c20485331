package hex

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// The outputs of the tools that dump bytes are read as these bytes, with all that is around them.
func TestHexdumps(t *testing.T) {
	const datagram = "000705038068 69"
	zeros := strings.Repeat("00", 100)
	for _, c := range []struct{ name, text, want string }{
		{"hexdump -C", "00000000  00 07 05 03 80 68 69                              |.....hi|\n00000007\n", datagram},
		{"hexdump -C without quotes", "00000000 00 07 05 03 80 68 69 |.....hi| 00000007", datagram},
		{"od -A x -t x1", "000000 00 07 05 03 80 68 69\n000007\n", datagram},
		{"od -t x1", "0000000 00 07 05 03 80 68 69\n0000007\n", datagram},
		{"od -A d -t x1z", "0000000 00 07 05 03 80 68 69                             >.....hi<\n0000007", datagram},
		{"od -t x1, octal", "0000000 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f\n0000020 10 11\n0000022", "000102030405060708090a0b0c0d0e0f1011"},
		{"od -A d -t x1, decimal", "0000000 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f\n0000016 10 11\n0000018", "000102030405060708090a0b0c0d0e0f1011"},
		{"xxd", "00000000: 0007 0503 8068 69                        .....hi\n", datagram},
		{"xxd of what reads as hexadecimal", "00000000: 6361 6665                                cafe\n", "63616665"},
		{"tcpdump -x", "\t0x0000:  0007 0503\n\t0x0004:  8068 69", datagram},
		{"Wireshark", "0000   20 52 45 43 56 00 20 53    RECV. S\n0008   61 62 63 64   abcd\n", "2052454356002053 61626364"},
		{"Wireshark, one line", "0000   03 00 41 7c   ..A|", "0300417c"},
		{"text with bars and brackets", "0000   41 3e 7c   A>|\n0003   3e 41   >A", "413e7c3e41"},
		{"text in another alphabet", "0000  03 00 1d 41  ···A\n0004  42  B", "03001d4142"},
		{"two columns of bytes", "0000: 03 00  1d 08", "03001d08"},
		{"hexdump -C with *", "00000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\n00000060  00 00 00 00                                       |....|\n00000064\n", zeros},
		{"xxd -a with *", "00000000: 0000 0000 0000 0000 0000 0000 0000 0000  ................\n*\n00000060: 0000 0000                                ....\n", zeros},
		{"from the middle on", "00000010  00 07 05 03  |....|\n00000014  80 68 69  |.hi|\n00000017", datagram},
		{"Wireshark, one line of its window", "0000   03 00 41 7c   ··A|", "0300417c"},
		{"a remark behind a bar", "0300 1d | the type", "03001d"},
		{"a remark between bars", "0300 1d 08 |x|", "03001d08"},
		{"remarks behind bars", "0300 1d | one\n0200 1e 05 | two", "03001d02001e05"},
		{"a byte order mark", "\ufeff03 00", "0300"},
		{"bytes that are their number", "0000 05 03 80 6869", "0000050380 6869"},
		{"bytes that are their number further on", "10 07 05 80 0004 61 62 63 64", "10070580000461626364"},
		{"lengths in front of lines", "0004 61 62 63 64\n0008 61 62 63 64 65 66 67 68", "0004 61626364 0008 6162636465666768"},
		{"groups", "00000000 03000000\n00000008 01020304", "0000000003000000 0000000801020304"},
		{"an offset at the end of bytes", "03 00\n0002", "03000002"},
	} {
		var want []byte
		for w := range strings.FieldsSeq(c.want) {
			b, err := word(w)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, b...)
		}
		if got, err := Parse(c.text); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is %x, %v; want %x", c.name, got, err, want)
		}
	}
}

// What cannot be told is refused, with what helps.
func TestHexdumpsThatAreRefused(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"* at the end", "00000000  00 00  |..|\n*\n", "-v"},
		{"* without a line before", "*\n00000010  00 00  |..|\n", "-v"},
		{"* in one line", "0000 00 * 0010 00", "-v"},
		{"* that is part of a line", "00000000  00 00  |..|\n*\n00000003  00  |.|", "-v"},
		{"* of a gigabyte", "00000000  00 00  |..|\n*\n40000000", "-v"},
		{"* of many", "00000000  00 00  |..|\n*\n00080000  00 00  |..|\n*\n00100004  00 00  |..|", "-v"},
		{"* in od, where the radix is not known", "0000000 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n*\n0000140 00 00 00 00\n0000144\n", "-v"},
		{"hexdump", "0000000 0700 0305 6880 0069\n0000007", "hexdump -C"},
		{"od -A x -x", "000000 0700 0305 6880 0069\n000007", "od -t x1"},
		{"a line is missing", "00000000  00 07  |..|\n00000004  05 03  |..|", `"00000004"`},
		{"a line is missing, without text", "0000 00 07\n0004 05 03", `"0004"`},
		{"a line is missing, with colons", "0000: 00 07\n0004: 05 03", `"0004"`},
		{"lines that became one", "00000000 00 07 |..| 00000002 05 03 |..| 00000004", "quotes"},
		{"two of one byte", "00000000 00 |.| 00000001 05 |.| 00000002", "quotes"},
		{"an end that is another", "00000000  00 07  |..|\n00000003", `"00000003"`},
		{"no text of this line", "0000: 00 07 zz", `"zz"`},
	} {
		if got, err := Parse(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s is %x, %v; want an error with %s", c.name, got, err, c.want)
		}
	}
}

// Whatever bytes are dumped, with text that looks like bytes, offsets or bars, they are read again.
func TestDumpsAreReadAgain(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	const alphabet = "0000  aabcdef|><:*.\x00\x00\x01\xff"
	for range 2000 {
		src := make([]byte, 1+rnd.IntN(50))
		for i := range src {
			src[i] = alphabet[rnd.IntN(len(alphabet))]
		}
		if len(bytes.Trim(src, " ")) == 0 {
			continue // its text is not to be seen
		}
		var xxd, wireshark, od strings.Builder
		for at := 0; at < len(src); at += 16 {
			line := src[at:min(at+16, len(src))]
			text := strings.Map(func(r rune) rune {
				if r < ' ' || r > '~' {
					return '.'
				}
				return r
			}, string(bytes.ReplaceAll(line, []byte{0xff}, []byte{0})))
			pairs := fmt.Sprintf("%x", line)
			var words []string
			for ; len(pairs) > 4; pairs = pairs[4:] {
				words = append(words, pairs[:4])
			}
			fmt.Fprintf(&xxd, "%08x: %-39s  %s\n", at, strings.Join(append(words, pairs), " "), text)
			fmt.Fprintf(&wireshark, "%04x   %-47s   %s\n", at, fmt.Sprintf("% x", line), text)
			fmt.Fprintf(&od, "%07o % x\n", at, line)
		}
		fmt.Fprintf(&od, "%07o\n", len(src))
		for _, text := range []string{hex.Dump(src), hex.Dump(src) + fmt.Sprintf("%08x\n", len(src)), xxd.String(), wireshark.String(), od.String()} {
			if got, err := Parse(text); err != nil || !bytes.Equal(got, src) {
				t.Fatalf("%x is %x, %v:\n%s", src, got, err, text)
			}
		}
	}
}
