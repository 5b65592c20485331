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
		{"a hexdump", "", []string{"-version", "draft-18", "-message", "OBJECT_DATAGRAM", "00000000  00 07 05 03 80 68 69                              |.....hi|\n00000007"}, exitOK, "7 bytes", ""},
		{"bytes like an offset", "", []string{"-version", "draft-18", "-message", "OBJECT_DATAGRAM", "0000", "05", "03", "80", "6869"}, exitOK, "7 bytes", ""},
		{"bytes like an offset inside", "", []string{"-version", "draft-18", "-message", "SUBGROUP_STREAM", "10", "07", "05", "80", "0004", "61", "62", "63", "64"}, exitOK, "10 bytes", ""},
		{"wrong bytes", "", []string{"-version", "lite-05", "-message", "GROUP", "01:01:05"}, exitInput, "^^", ""},
		{"no message", "", []string{"-version", "lite-05", "02"}, exitUsage, "", "-message"},
		{"an unknown message", "", []string{"-version", "lite-05", "-message", "NOTHING", "02"}, exitUsage, "", "NOTHING"},
		{"a message in lower case", "", []string{"-version", "lite-05", "-message", "group", "02"}, exitUsage, "", "did you mean GROUP?"},
		{"a message in lower case, of any version", "", []string{"-version", "any", "-message", "group", "02"}, exitUsage, "", "did you mean GROUP?"},
		{"a version before its release", "", []string{"-version", "moq-lite-05-wip", "-message", "GROUP", "02"}, exitUsage, "", "moq-lite-06-wip"},
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

func TestHexThatCannotBeWritten(t *testing.T) {
	for _, version := range []string{"lite-05", "any"} {
		var errs bytes.Buffer
		e := &env{out: brokenPipe{}, err: &errs, getenv: func(string) string { return "" }}
		code := e.main(t.Context(), []string{"hex", "-version", version, "-message", "GROUP", "020105"})
		if code != exitInput || errs.String() != "moqdump: cannot write the output: io: read/write on closed pipe\n" {
			t.Errorf("%s: exit code %d, %q", version, code, &errs)
		}
	}
	var errs bytes.Buffer
	e := &env{in: strings.NewReader("{}\n"), out: brokenPipe{}, err: &errs, getenv: func(string) string { return "" }}
	if code := e.main(t.Context(), []string{"hex"}); code != exitInput || errs.String() != "moqdump: io: read/write on closed pipe\n" {
		t.Errorf("lines: exit code %d, %q", code, &errs)
	}
}

func TestHexSaysWhatItTakesForGranted(t *testing.T) {
	code, out, _ := run(t, nil, "hex", "--help")
	if code != exitOK || !strings.Contains(out, "ascending") {
		t.Errorf("exit code %d, %s", code, out)
	}
}
