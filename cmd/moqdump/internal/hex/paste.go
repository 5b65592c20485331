package hex

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Parse reads bytes as people paste them: hexadecimal with spaces, colons, commas or 0x between, or the lines
// of a hexdump with its offsets and its text, which are left out. Text that is not that is an error which names it.
//
// A word is an offset with a colon behind it, and without one only in front of several lines that all have one which
// counts the bytes so far, or of a line with its text behind.
func Parse(text string) ([]byte, error) {
	var lines []string
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	out, err := parseLines(lines)
	if err == nil && len(out) == 0 {
		err = errors.New("no bytes")
	}
	return out, err
}

func parseLines(lines []string) ([]byte, error) {
	if d, err := readDump(lines); d != nil || err != nil {
		if err != nil {
			return nil, err
		}
		return d.bytes()
	}
	var out []byte
	for _, line := range lines {
		r, err := readLine(line, len(out), false)
		if err != nil {
			return nil, err
		}
		if r.tail != "" {
			return nil, errJoined
		}
		out = append(out, r.bytes...)
	}
	return out, nil
}

var (
	errJoined = errors.New("the lines of a hexdump have become one: put quotes around it")
	errStar   = errors.New(`the line "*" of a hexdump stands for lines that are left out: make it with -v`)
)

// word reads the bytes of a word.
func word(w string) ([]byte, error) {
	if w == "*" {
		return nil, errStar
	}
	digits := strings.NewReplacer("0x", "", "0X", "", ":", "", ",", "", "\\x", "").Replace(w)
	b, err := hex.DecodeString(digits)
	if err != nil {
		return nil, fmt.Errorf("%q is not hexadecimal", w)
	}
	return b, nil
}
