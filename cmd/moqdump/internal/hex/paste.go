package hex

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	offsetColon = regexp.MustCompile(`^[0-9a-fA-F]{4,16}:$`)
	offsetPlain = regexp.MustCompile(`^[0-9a-fA-F]{4,16}$`)
	aByte       = regexp.MustCompile(`^(0[xX])?[0-9a-fA-F]{2}$`)
)

// Parse reads bytes as people paste them: hexadecimal with spaces, colons, commas or 0x between, or the lines
// of a hexdump with its offsets and its text, which are left out. Text that is not that is an error which names it.
func Parse(text string) ([]byte, error) {
	var out []byte
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "|")
		words := strings.Fields(line)
		if len(words) > 0 && offsetColon.MatchString(words[0]) {
			words = dumpLine(line)
		}
		for i, w := range words {
			if i+1 < len(words) && isOffset(w, words[i+1], len(out)) {
				continue
			}
			b, err := word(w)
			if err != nil {
				return nil, err
			}
			out = append(out, b...)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no bytes")
	}
	return out, nil
}

// dumpLine gives the words of a line with an offset and a colon, without the text behind two spaces.
func dumpLine(line string) []string {
	_, rest, _ := strings.Cut(line, ":")
	rest, _, _ = strings.Cut(strings.TrimSpace(rest), "  ")
	return strings.Fields(rest)
}

// isOffset tells whether a word counts the bytes so far, in front of single bytes.
func isOffset(w, next string, count int) bool {
	if offsetColon.MatchString(w) {
		return true
	}
	n, err := strconv.ParseUint(w, 16, 63)
	return err == nil && offsetPlain.MatchString(w) && n == uint64(count) && aByte.MatchString(next)
}

func word(w string) ([]byte, error) {
	digits := strings.NewReplacer("0x", "", "0X", "", ":", "", ",", "", "\\x", "").Replace(w)
	b, err := hex.DecodeString(digits)
	if err != nil {
		return nil, fmt.Errorf("%q is not hexadecimal", w)
	}
	return b, nil
}
