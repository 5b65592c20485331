package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

func TestHexExitCodes(t *testing.T) {
	const line = `{"version":"lite-05","message":"GROUP","hex":"020105"}` + "\n"
	for _, c := range []struct {
		name, in  string
		args      []string
		code      int
		out, errs string
	}{
		{"lines", line, nil, exitOK, `"consumed":3`, ""},
		{"bytes that are refused are an answer", strings.Replace(line, "020105", "0101", 1), nil, exitOK, `"kind":"malformed"`, ""},
		{"a bad line", "x\n" + line, nil, exitInput, `"line":1`, ""},
		{"bytes", "", []string{"-version", "lite-05", "-message", "GROUP", "02", "01", "05"}, exitOK, "Sequence 5", ""},
		{"wrong bytes", "", []string{"-version", "lite-05", "-message", "GROUP", "01:01:05"}, exitInput, "^^", ""},
		{"no message", "", []string{"-version", "lite-05", "02"}, exitUsage, "", "-message"},
		{"an unknown message", "", []string{"-version", "lite-05", "-message", "NOTHING", "02"}, exitUsage, "", "NOTHING"},
		{"no hexadecimal", "", []string{"-version", "lite-05", "-message", "GROUP", "zz"}, exitUsage, "", "zz"},
	} {
		var out, errs bytes.Buffer
		e := &env{in: strings.NewReader(c.in), out: &out, err: &errs, getenv: func(string) string { return "" }}
		code := e.main(context.Background(), append([]string{"hex"}, c.args...))
		if code != c.code || !strings.Contains(out.String(), c.out) || !strings.Contains(errs.String(), c.errs) {
			t.Errorf("%s: exit code %d, want %d\n%s%s", c.name, code, c.code, &out, &errs)
		}
	}
}
