package hex

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/moqrx/moqrx/gen/named"
	"github.com/moqrx/moqrx/spec/tree"
)

// Print writes the tree of a message or a stream: a line for each part with its offset and size, and where something
// is wrong, the bytes with the wrong ones marked. Of the version any, it is a list instead: which versions take the
// bytes, and why the others do not. ok tells whether nothing is. The error is about the names
// of version and message, or that of out.
func Print(out io.Writer, version, label string, src []byte) (ok bool, err error) {
	p, err := named.Find(version)
	if err != nil {
		return false, err
	}
	d, err := p.Decode(label, src)
	if p.Any && errors.Is(err, named.ErrUnknown) {
		return printVersions(out, label, src)
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", p.Name(), err)
	}
	w := bufio.NewWriter(out)
	_, _ = fmt.Fprintf(w, "%s, %d bytes\n", p.Name(), len(d.Source))
	for depth, n := range d.Tree.Root.All() {
		printNode(w, depth, n)
	}
	if rest := len(d.Source) - d.Tree.Root.End(); rest > 0 && d.Err == nil {
		_, _ = fmt.Fprintf(w, "%5d %5d  not part of the message\n", d.Tree.Root.End(), rest)
	}
	for _, e := range d.Tree.Errors {
		_, _ = fmt.Fprintf(w, "\n! %v\n", e)
		dump(w, d.Source, e.Offset, max(e.Size, 1))
	}
	if d.Tree.Further > 0 {
		_, _ = fmt.Fprintf(w, "\n! and %d errors more\n", d.Tree.Further)
	}
	if d.Err != nil && len(d.Tree.Errors) == 0 { // of several messages together
		f := d.Failure()
		_, _ = fmt.Fprintf(w, "\n! %s\n", f.Reason)
		dump(w, d.Source, f.Offset, 1)
	}
	return d.Err == nil, w.Flush()
}

func printNode(w io.Writer, depth int, n *tree.Node) {
	_, _ = fmt.Fprintf(w, "%5d %5d  %s%s", n.Offset, n.Size, strings.Repeat("  ", depth), n.Name)
	if n.Code != 0 && (n.Field == nil || n.Field.Kind.Name != "id-delta") {
		_, _ = fmt.Fprintf(w, " (0x%x)", n.Code)
	}
	if n.Value != nil {
		_, _ = fmt.Fprint(w, " ", show(n))
	}
	if n.Note() != "" {
		_, _ = fmt.Fprintf(w, "  %s", n.Note())
	}
	if n.Err != nil {
		_, _ = fmt.Fprintf(w, "  ! %s", n.Err.Expected)
	}
	_, _ = fmt.Fprintln(w)
}

// longest is how many bytes of a value are shown.
const longest = 32

// show is a value as text, with its unit.
func show(n *tree.Node) string {
	text := fmt.Sprint(n.Value)
	switch v := n.Value.(type) {
	case string:
		text = fmt.Sprintf("%q", v)
	case []byte:
		text = hex.EncodeToString(v[:min(len(v), longest)])
		if len(v) > longest {
			text += fmt.Sprintf("... (%d bytes)", len(v))
		}
		if printable(v) {
			text += fmt.Sprintf(" %q", v[:min(len(v), longest)])
		}
	}
	if n.Field != nil && n.Field.Unit != "" {
		text += " " + n.Field.Unit
	}
	return text
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(b) > 0
}

// row is how many bytes a line of a hexdump has.
const row = 16

// dump writes the lines around size bytes at off, with these marked. An offset behind the last byte is marked too.
func dump(w io.Writer, src []byte, off, size int) {
	from := max(0, off/row-1) * row
	to := min(len(src), ((off+min(size, 4*row))/row+1)*row)
	for at := from; at < max(to, off+1); at += row {
		line := src[min(at, len(src)):min(at+row, len(src))]
		_, _ = fmt.Fprintf(w, "  %04x  % x\n", at, line)
		var marks strings.Builder
		for i := at; i < at+row; i++ {
			if i >= off && i < off+size && i <= len(src) {
				marks.WriteString("^^ ")
			} else {
				marks.WriteString("   ")
			}
		}
		if text := strings.TrimRight(marks.String(), " "); text != "" {
			_, _ = fmt.Fprintf(w, "        %s\n", text)
		}
	}
}
