package webtransport

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/quic-go/qpack"
)

// maxFields bounds the fields of one header section.
const maxFields = 1024

// section is a decoded header section. Of a repeated field the values are joined by a comma.
type section map[string]string

// decodeSection decodes a header section with the static table (RFC 9204). What was decoded before
// an error is returned with it.
func decodeSection(b []byte) (section, error) {
	out := section{}
	next := qpack.NewDecoder().Decode(b)
	for range maxFields {
		f, err := next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, fmt.Errorf("the headers are not decoded: %w", err)
		}
		if have, ok := out[f.Name]; ok {
			out[f.Name] = have + ", " + f.Value
		} else {
			out[f.Name] = f.Value
		}
	}
	return out, fmt.Errorf("more than %d headers", maxFields)
}

// isWebTransport reports whether the section is a request for a session. Drafts before 15 have
// "webtransport", later ones "webtransport-h3".
func (s section) isWebTransport() bool {
	p := s[":protocol"]
	return s[":method"] == "CONNECT" && (p == "webtransport" || p == "webtransport-h3")
}

func requestNote(s section) (string, []slog.Attr) {
	name := s[":method"]
	if name == "" {
		name = "HEADERS"
	}
	return name, attrs(s, ":authority", ":path", ":protocol", "wt-available-protocols", "origin")
}

func responseNote(s section) []slog.Attr { return attrs(s, ":status", "wt-protocol") }

func attrs(s section, names ...string) (out []slog.Attr) {
	for _, n := range names {
		v, ok := s[n]
		if !ok {
			continue
		}
		if list := parseStrings(v); len(list) > 0 {
			v = strings.Join(list, ",")
		}
		out = append(out, slog.String(strings.TrimPrefix(n, ":"), v))
	}
	return out
}

// parseStrings reads a list of strings as structured fields write them (RFC 8941 section 3.3.3):
// in double quotes, separated by commas, with optional parameters, which are left out.
func parseStrings(s string) (out []string) {
	for {
		start := strings.IndexByte(s, '"')
		if start < 0 {
			return out
		}
		s = s[start+1:]
		var item strings.Builder
		i := 0
		for ; i < len(s) && s[i] != '"'; i++ {
			if s[i] == '\\' && i+1 < len(s) {
				i++
			}
			item.WriteByte(s[i])
		}
		out = append(out, item.String())
		if i >= len(s) {
			return out
		}
		s = s[i+1:]
		if comma := strings.IndexByte(s, ','); comma >= 0 {
			s = s[comma+1:]
		} else {
			return out
		}
	}
}
