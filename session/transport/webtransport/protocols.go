package webtransport

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The headers that negotiate the protocol of a session (draft-ietf-webtrans-http3-15, section 3.3): a list of
// strings and one string, as structured fields (RFC 9651).
const (
	headerOffered = "Wt-Available-Protocols"
	headerChosen  = "Wt-Protocol"
)

var errField = errors.New("not a string of a structured field")

// appendString appends s in quotes. Tokens are printable ASCII (RFC 9651, section 3.3.3).
func appendString(b []byte, s string) ([]byte, error) {
	b = append(b, '"')
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return nil, fmt.Errorf("the protocol %q has characters besides printable ASCII", s)
		}
		if c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return append(b, '"'), nil
}

func formatList(tokens []string) (string, error) {
	var b []byte
	for i, token := range tokens {
		if i > 0 {
			b = append(b, ", "...)
		}
		var err error
		if b, err = appendString(b, token); err != nil {
			return "", err
		}
	}
	return string(b), nil
}

// cutString takes a string and its parameters, which mean nothing here, from the front of a field.
func cutString(field string) (s, rest string, err error) {
	var b strings.Builder
	if !strings.HasPrefix(field, `"`) {
		return "", "", errField
	}
	i := 1
	for ; i < len(field) && field[i] != '"'; i++ {
		if field[i] == '\\' {
			i++
			if i == len(field) || field[i] != '"' && field[i] != '\\' {
				return "", "", errField
			}
		}
		if field[i] < ' ' || field[i] > '~' {
			return "", "", errField
		}
		b.WriteByte(field[i])
	}
	if i == len(field) {
		return "", "", errField
	}
	return b.String(), cutParameters(field[i+1:]), nil
}

// cutParameters skips to the comma that ends a member of a list, past those in quotes.
func cutParameters(field string) string {
	quoted := false
	for i := 0; i < len(field); i++ {
		switch c := field[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return field[i:]
		}
	}
	return ""
}

// parseList reads a list of strings out of the lines of a header. A list with anything else in it counts for nothing,
// as the draft has it.
func parseList(lines []string) []string {
	rest := strings.Trim(strings.Join(lines, ", "), " \t")
	var tokens []string
	for {
		token, next, err := cutString(rest)
		if err != nil {
			return nil
		}
		tokens = append(tokens, token)
		if next == "" {
			return tokens
		}
		rest = strings.TrimLeft(next[1:], " \t")
	}
}

// choose returns the first token of the client's list that the server knows, or "".
func choose(offered, known []string) string {
	for _, token := range offered {
		if slices.Contains(known, token) {
			return token
		}
	}
	return ""
}

// chosen reads the answer of a server. No answer means no protocol.
func chosen(lines, offered []string) (string, error) {
	if len(lines) == 0 {
		return "", nil
	}
	token, rest, err := cutString(strings.Trim(strings.Join(lines, ", "), " \t"))
	if err != nil || rest != "" {
		return "", fmt.Errorf("the server chose a protocol in a way that cannot be read: %.100q", lines)
	}
	if !slices.Contains(offered, token) {
		return "", fmt.Errorf("the server chose the protocol %.100q, which was not offered", token)
	}
	return token, nil
}
