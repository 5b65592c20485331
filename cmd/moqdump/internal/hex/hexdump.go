package hex

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// hexdump is lines with offsets in front.
type hexdump struct {
	rows  []dumpLine
	colon bool
}

// maxRepeated is how many bytes there may be up to the end of what a "*" stands for.
const maxRepeated = 1 << 20

// readDump reads lines that are a hexdump by their form. It is nil for those that are not.
func readDump(lines []string) (*hexdump, error) {
	d := &hexdump{}
	offsets, stars := 0, 0
	for _, line := range lines {
		r, _ := offsetOf(line)
		d.colon = d.colon || r.colon
		if r.offset != "" {
			offsets++
		} else if r.star {
			stars++
		}
	}
	switch {
	case d.colon:
	case offsets == 0 || offsets+stars < len(lines):
		return nil, nil
	}
	count := 0
	for _, line := range lines {
		r, rest := offsetOf(line)
		if d.colon && !r.colon && !r.star {
			r, rest = dumpLine{}, line
		}
		if r.star {
			d.rows = append(d.rows, r)
			continue
		}
		at := count
		if n, err := strconv.ParseInt(r.offset, 16, 32); r.colon && err == nil {
			at = int(n)
		}
		read, err := readLine(rest, at, r.offset != "")
		if err != nil {
			if len(lines) == 1 && !d.colon && !errors.Is(err, errJoined) {
				return nil, nil
			}
			return nil, err
		}
		read.offset, read.colon = r.offset, r.colon
		count += len(read.bytes)
		d.rows = append(d.rows, read)
	}
	if !d.colon && !d.certain() {
		return nil, nil
	}
	return d, d.check()
}

// certain tells whether the words in front are offsets, though no colon says so.
func (d *hexdump) certain() bool {
	first := d.rows[0]
	switch {
	case len(d.rows) == 1:
		return first.text == sureText && len(first.bytes) > 0
	case first.star || len(first.bytes) == 0:
		return false
	case first.text == sureText || len(first.offset)%2 == 1:
		return true
	}
	for _, r := range d.rows {
		if !r.star && len(r.offset) != len(first.offset) {
			return false
		}
	}
	// Words that are as long as the offset are bytes in groups; those of a hexdump in front of bytes are not.
	if strings.Trim(first.offset, "0") == "" && first.widest < len(first.offset) {
		return true
	}
	_, err := d.join(16)
	return err == nil && (len(first.offset) >= 6 || strings.Trim(first.offset, "0") == "")
}

// check refuses what is not a dump of single bytes.
func (d *hexdump) check() error {
	for i, r := range d.rows {
		last := i == len(d.rows)-1
		switch {
		case r.tail != "" && (!last || len(d.rows) > 1 || r.tail != strings.Fields(r.tail)[0]):
			return errJoined
		case !r.colon && r.widest > 2 && (len(r.offset) == 6 || len(r.offset) == 7):
			return errors.New("words of several bytes stand in the order of the machine that dumped them: use hexdump -C, od -t x1 or xxd")
		}
	}
	if end := d.rows[len(d.rows)-1].tail; end != "" {
		d.rows = append(d.rows, dumpLine{offset: end})
	}
	return nil
}

// bytes are those of all lines. Where it is not said what the digits of an offset are, they are what fits.
func (d *hexdump) bytes() ([]byte, error) {
	bases := []int{16}
	if first := d.rows[0]; !d.colon && len(first.offset) == 7 { // of od: octal, or what -A says
		bases = []int{8, 10, 16}
	}
	var out []byte
	var failure error
	for _, base := range bases {
		b, err := d.join(base)
		switch {
		case err != nil && failure == nil:
			failure = err
		case err == nil && out != nil && !bytes.Equal(out, b):
			return nil, errStar
		case err == nil:
			out = b
		}
	}
	if out != nil {
		return out, nil
	}
	return nil, failure
}

// offsetError is about an offset that does not count the bytes in front of it.
func offsetError(offset string, count int) error {
	return fmt.Errorf("the offset %q stands behind %d bytes: some are missing or too many; what is no hexdump goes on one line", offset, count)
}

// join puts the bytes of all lines together, if the offsets count them.
func (d *hexdump) join(base int) (out []byte, err error) {
	start := uint64(0)
	var before []byte // the bytes of the line before
	star := false
	for i, r := range d.rows {
		if r.star {
			if star || len(before) == 0 || i == len(d.rows)-1 {
				return nil, errStar
			}
			star = true
			continue
		}
		if r.offset != "" {
			n, err := strconv.ParseUint(r.offset, base, 63)
			if err != nil {
				return nil, fmt.Errorf("%q is no offset", r.offset)
			}
			if i == 0 {
				start = n
			}
			want := start + uint64(len(out))
			switch {
			case star && (n <= want || n-start > maxRepeated || (n-want)%uint64(len(before)) != 0):
				return nil, errStar
			case star:
				out = append(out, bytes.Repeat(before, int((n-want)/uint64(len(before))))...)
			case n != want:
				return nil, offsetError(r.offset, len(out))
			}
		} else if star {
			return nil, errStar
		}
		if len(r.bytes) == 0 && i < len(d.rows)-1 {
			return nil, fmt.Errorf("no bytes behind the offset %q", r.offset)
		}
		star, before = false, r.bytes
		out = append(out, r.bytes...)
	}
	return out, nil
}
