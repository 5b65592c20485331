package hex

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

var (
	offsetColon = regexp.MustCompile(`^(0[xX])?[0-9a-fA-F]{4,16}:$`)
	offsetPlain = regexp.MustCompile(`^[0-9a-fA-F]{4,16}$`)
)

// dumpLine is a line of a hexdump.
type dumpLine struct {
	offset string // its digits; none in a line that has no offset
	colon  bool   // which stands behind the offset
	star   bool   // it is the line that stands for lines like the one before
	bytes  []byte
	widest int    // how many digits are together
	text   column // what stands behind the bytes
	tail   string // what stands behind the text
}

// column tells how sure it is that there is text behind the bytes of a line.
type column int

const (
	noText column = iota
	maybeText
	sureText // it is between bars, or what the bytes are in ASCII
)

// offsetOf takes the offset off the front of a line.
func offsetOf(line string) (r dumpLine, rest string) {
	first, rest := line, ""
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		first, rest = line[:i], line[i:]
	}
	switch {
	case line == "*":
		r.star = true
	case offsetColon.MatchString(first):
		r.offset, r.colon = colonDigits(first), true
	case offsetPlain.MatchString(first):
		r.offset = first
	default:
		return r, line
	}
	return r, rest
}

func colonDigits(w string) string {
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(w, "0x"), "0X"), ":")
}

// readLine reads the bytes of a line, without the text behind them. Of one without an offset in front only what is
// between bars is text. An offset with a colon further on is left out where it counts the bytes from at on.
func readLine(line string, at int, dump bool) (r dumpLine, err error) {
	if dump {
		line = strings.ReplaceAll(line, "·", ".") // as the window of Wireshark has them
	}
	fit := -1 // where text might start, and how many bytes there were
	fitBytes := 0
	for i := 0; i < len(line); {
		gap := i
		for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
			i++
		}
		rest := line[i:]
		apart := i-gap > 1 || strings.Contains(line[gap:i], "\t")
		switch {
		case rest == "":
			return r, nil
		case dump && apart && isText(rest, r.bytes):
			r.text = sureText
			return r, nil
		case rest[0] == '|' || rest[0] == '>':
			return r, r.bars(rest, dump)
		}
		if fit < 0 && apart && len(rest) <= utf8.UTFMax*len(r.bytes) && utf8.RuneCountInString(rest) <= len(r.bytes) {
			fit, fitBytes = i, len(r.bytes)
		}
		end := strings.IndexAny(rest, " \t|")
		if end < 0 {
			end = len(rest)
		}
		w := rest[:end]
		i += end
		var b []byte
		if offsetColon.MatchString(w) {
			if n, e := strconv.ParseUint(colonDigits(w), 16, 63); e == nil && n == uint64(at+len(r.bytes)) {
				continue
			}
			err = offsetError(w, at+len(r.bytes))
		} else {
			b, err = word(w)
		}
		switch {
		case err == nil:
			r.bytes = append(r.bytes, b...)
			r.widest = max(r.widest, len(w))
		case dump && fit >= 0:
			r.bytes, r.text = r.bytes[:fitBytes], maybeText
			return r, nil
		case dump && isText(rest, r.bytes):
			r.text = sureText
			return r, nil
		default:
			return r, err
		}
	}
	return r, nil
}

// bars reads what is text between bars, as |....| or >....<, or a remark behind one.
func (r *dumpLine) bars(rest string, dump bool) error {
	r.text = maybeText
	closing := "|"
	if rest[0] == '>' {
		closing = "<"
	}
	text := rest[1:]
	i := strings.LastIndex(text, closing)
	if i < 0 {
		return nil
	}
	text, r.tail = text[:i], strings.TrimSpace(text[i+1:])
	n := utf8.RuneCountInString(text)
	switch {
	case dump && len(r.bytes) > 0 && n > len(r.bytes):
		return errJoined
	case n == len(r.bytes) || strings.Contains(text, " "): // a shell makes one space of several
		r.text = sureText
	}
	return nil
}

// isText tells whether text is what src is in ASCII, with a dot for what cannot be shown.
func isText(text string, src []byte) bool {
	text = strings.Trim(text, " ")
	for len(src) > 0 && src[0] == ' ' {
		src = src[1:]
	}
	for len(src) > 0 && src[len(src)-1] == ' ' {
		src = src[:len(src)-1]
	}
	if len(text) != len(src) || text == "" {
		return false
	}
	for i, c := range src {
		if c < ' ' || c > '~' {
			c = '.'
		}
		if text[i] != c {
			return false
		}
	}
	return true
}
