package hex

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/gen/named"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/spec/tree"
)

// rank is how well bytes fit a version; the least is the best.
type rank int

const (
	same  rank = iota // all of them are read, and come out again
	other             // all are read, and would be written otherwise
	part              // bytes are left over
	refused
)

// verdict is what one version makes of bytes.
type verdict struct {
	version string
	rank    rank
	failure *named.Failure // where it is refused
	taken   int            // bytes that were read
}

// detect has a message or a stream decoded by each version that knows one of that name: the best first, of equal
// ones the newest. Absent are the versions that do not know it.
func detect(label string, src []byte) (list []verdict, absent []string, err error) {
	suggestion := ""
	for _, version := range allVersions() {
		p, err := named.Find(version)
		if err != nil {
			return nil, nil, err
		}
		d, err := p.Decode(label, src)
		if name := p.Suggest(label); name != "" {
			suggestion = "; did you mean " + name + "?"
		}
		if err != nil || errors.Is(d.Err, wire.ErrUnsupported) || errors.Is(d.Err, tree.ErrUnsupported) {
			absent = append(absent, version)
			continue
		}
		v := verdict{version: version, taken: d.Consumed, failure: d.Failure()}
		switch {
		case v.failure != nil:
			v.rank = refused
		case d.Consumed < len(src):
			v.rank = part
		case d.EncodeErr != nil || !bytes.Equal(d.Reencoded, src):
			v.rank = other
		}
		list = append(list, v)
	}
	if len(list) == 0 {
		return nil, nil, fmt.Errorf("%w in any version: %s%s", named.ErrUnknown, label, suggestion)
	}
	slices.SortStableFunc(list, func(a, b verdict) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.taken, a.taken), cmp.Compare(b.offset(), a.offset()))
	})
	return list, absent, nil
}

// offset is how far a refusal got.
func (v verdict) offset() int {
	if v.failure == nil {
		return 0
	}
	return v.failure.Offset
}

// allVersions are the names of all versions, those of moq-transport first, each family from the newest on.
func allVersions() []string {
	var names []string
	for _, v := range moqt.Versions() {
		names = append(names, v.String())
	}
	for _, v := range lite.Versions() {
		names = append(names, v.String())
	}
	return names
}

// printVersions says which versions take bytes without an error. ok tells whether one takes them all.
func printVersions(out io.Writer, label string, src []byte) (ok bool, err error) {
	list, absent, err := detect(label, src)
	if err != nil {
		return false, err
	}
	w := bufio.NewWriter(out)
	_, _ = fmt.Fprintf(w, "%s, %d bytes, as each version reads them\n", label, len(src))
	for _, v := range list {
		switch v.rank {
		case same:
			_, _ = fmt.Fprintf(w, "  yes   %s\n", v.version)
		case other:
			_, _ = fmt.Fprintf(w, "  yes   %s, which would write other bytes for it\n", v.version)
		case part:
			_, _ = fmt.Fprintf(w, "  part  %s: %d bytes, %d are left over\n", v.version, v.taken, len(src)-v.taken)
		case refused:
			_, _ = fmt.Fprintf(w, "  no    %s\n", v.failure.Reason)
		}
	}
	if len(absent) > 0 {
		_, _ = fmt.Fprintf(w, "  not in %s\n", strings.Join(absent, ", "))
	}
	return list[0].rank <= other, w.Flush()
}
