package coverage

import (
	"strings"
	"testing"
)

func check(t *testing.T, exempt map[int]string, events ...string) (printed string, err error) {
	t.Helper()
	r, err := read(strings.NewReader(strings.Join(events, "\n")), exempt)
	if err != nil {
		t.Fatal(err)
	}
	return r.Check()
}

func pass(test string) string { return `{"Action":"pass","Package":"model","Test":"` + test + `"}` }

// allBut exempts every line but some, so that a test need not name all.
func allBut(lines ...int) map[int]string {
	m := map[int]string{}
	for line := range 400 {
		m[line] = "not here"
	}
	for _, line := range lines {
		delete(m, line)
	}
	return m
}

func TestCoveredLinesAreFound(t *testing.T) {
	out, err := check(t, allBut(9, 138),
		`{"Action":"run","Package":"model","Test":"TestAnnounce/16.2/9_three_broadcasts"}`,
		pass("TestAnnounce/16.2/9_three_broadcasts"), pass("TestTracks/deeper/16.7/138_the_highest_sequence"), pass("TestTracks"))
	if err != nil || !strings.Contains(out, "384 lines: 2 covered, 382 exempt, 0 missing") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		exempt map[int]string
		events []string
		want   string
	}{
		"missing":       {allBut(9, 10), []string{pass("T/16.2/9_x")}, "1 lines have no test"},
		"nothing ran":   {allBut(), nil, "no test with a number has run"},
		"wrong section": {allBut(9), []string{pass("T/16.2/9_x"), pass("T/16.3/9_x")}, "no such line: model T/16.3/9_x"},
		"no such line":  {allBut(9), []string{pass("T/16.2/9_x"), pass("T/16.23/397")}, "no such line"},
		"range":         {allBut(9), []string{pass("T/16.2/9_x"), `{"Action":"run","Package":"model","Test":"T/16.4/54-56_x"}`}, "no such line: model T/16.4/54-56_x"},
		"failed":        {allBut(9), []string{pass("T/16.2/9_x"), `{"Action":"fail","Package":"model","Test":"T/16.2/10_y"}`}, "line 10: model T/16.2/10_y (fail)"},
		"skipped":       {allBut(9), []string{pass("T/16.2/9_x"), `{"Action":"skip","Package":"model","Test":"T/16.2/9_y"}`}, "(skip)"},
		"both":          {allBut(), []string{pass("T/16.2/9_x")}, "line 9 is exempt, but covered"},
	} {
		if out, err := check(t, c.exempt, c.events...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s\n%s", name, err, c.want, out)
		}
	}
}

func TestMissingLinesAreListedBySubject(t *testing.T) {
	out, _ := check(t, allBut(9, 10, 283), pass("T/16.2/9_x"))
	for _, want := range []string{"missing of 16.2, announcements: 10\n", "missing of 16.17, paths: 283\n", "exempt 1: not here\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing of\n%s", want, out)
		}
	}
}

// The list has no gap, and every exemption is about a line that has to be covered.
func TestListIsWhole(t *testing.T) {
	next := 1
	for i, s := range sections {
		if s.number != i+1 || s.first != next || s.last < s.first {
			t.Errorf("section %+v, want number %d from line %d", s, i+1, next)
		}
		next = s.last + 1
	}
	for line, reason := range exempt {
		if !Required(line) || len(reason) < 20 {
			t.Errorf("exempt line %d: %q", line, reason)
		}
	}
}

func TestLines(t *testing.T) {
	r, err := read(strings.NewReader(pass("T/16.2/9_x")), nil)
	if err != nil {
		t.Fatal(err)
	}
	if out := r.Lines(); out != "9: model T/16.2/9_x\n" {
		t.Errorf("%q", out)
	}
}
