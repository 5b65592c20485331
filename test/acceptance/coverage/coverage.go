package coverage

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Report says what tests there are for each line.
type Report struct {
	exempt  map[int]string
	passed  map[int][]string // tests by line
	other   map[int][]string // tests that failed or were skipped
	strange []string         // names with numbers that are not in the list
}

// event is the part of a line of "go test -json" that is read here.
type event struct{ Action, Package, Test string }

// numbered is the part of a name that stands for a line. Spaces of names are printed as underscores.
var numbered = regexp.MustCompile(`(?:^|/)16\.(\d+)/(\d+)(?:[_/ ]|$)`)

// meant is a name that looks as if it stood for lines: one that [numbered] does not take is a slip,
// such as a range of lines.
var meant = regexp.MustCompile(`(?:^|/)16\.\d+/`)

// Read takes all that "go test -json" prints.
func Read(r io.Reader) (*Report, error) { return read(r, exempt) }

func read(r io.Reader, exempt map[int]string) (*Report, error) {
	rep := &Report{exempt: exempt, passed: map[int][]string{}, other: map[int][]string{}}
	for d := json.NewDecoder(r); ; {
		var e event
		switch err := d.Decode(&e); {
		case errors.Is(err, io.EOF):
			return rep, nil
		case err != nil:
			return nil, err
		}
		if m := numbered.FindStringSubmatch(e.Test); m != nil {
			rep.note(e, m[1], m[2])
		} else if e.Action == "run" && meant.MatchString(e.Test) {
			rep.strange = append(rep.strange, e.Package+" "+e.Test)
		}
	}
}

func (r *Report) note(e event, sectionText, lineText string) {
	if e.Action != "pass" && e.Action != "fail" && e.Action != "skip" {
		return
	}
	number, _ := strconv.Atoi(sectionText)
	line, _ := strconv.Atoi(lineText)
	name := e.Package + " " + e.Test
	fits := func(s section) bool { return s.number == number && s.first <= line && line <= s.last }
	if !slices.ContainsFunc(sections, fits) {
		r.strange = append(r.strange, name)
		return
	}
	if e.Action == "pass" {
		r.passed[line] = append(r.passed[line], name)
	} else {
		r.other[line] = append(r.other[line], name+" ("+e.Action+")")
	}
}

// Check returns the sums and what is missing, as lines of text. The error says whether something is.
func (r *Report) Check() (string, error) {
	var w strings.Builder
	var missing []int
	covered, excused, required := 0, 0, 0
	for _, s := range sections {
		for line := s.first; line <= s.last; line++ {
			if !Required(line) {
				continue
			}
			required++
			switch {
			case len(r.passed[line]) > 0:
				covered++
			case r.exempt[line] != "":
				excused++
			default:
				missing = append(missing, line)
			}
		}
	}
	fmt.Fprintf(&w, "%d lines: %d covered, %d exempt, %d missing\n", required, covered, excused, len(missing))
	r.printMissing(&w, missing)
	for _, line := range slices.Sorted(maps.Keys(r.exempt)) {
		fmt.Fprintf(&w, "exempt %d: %s\n", line, r.exempt[line])
	}
	return w.String(), r.fault(missing)
}

func (r *Report) printMissing(w *strings.Builder, missing []int) {
	for _, s := range sections {
		var in []string
		for _, line := range missing {
			if s.first <= line && line <= s.last {
				in = append(in, strconv.Itoa(line))
			}
		}
		if len(in) > 0 {
			fmt.Fprintf(w, "missing of 16.%d, %s: %s\n", s.number, s.subject, strings.Join(in, " "))
		}
	}
}

// fault is what is wrong, or nil.
func (r *Report) fault(missing []int) error {
	var faults []error
	if len(r.passed) == 0 {
		faults = append(faults, errors.New("no test with a number has run"))
	} else if len(missing) > 0 {
		faults = append(faults, fmt.Errorf("%d lines have no test", len(missing)))
	}
	for _, name := range r.strange {
		faults = append(faults, fmt.Errorf("the list has no such line: %s", name))
	}
	for _, line := range slices.Sorted(maps.Keys(r.other)) {
		faults = append(faults, fmt.Errorf("line %d: %s", line, strings.Join(r.other[line], ", ")))
	}
	for _, line := range slices.Sorted(maps.Keys(r.exempt)) {
		if len(r.passed[line]) > 0 {
			faults = append(faults, fmt.Errorf("line %d is exempt, but covered by %s", line, r.passed[line][0]))
		}
	}
	return errors.Join(faults...)
}

// Lines returns the numbers that have tests, with these.
func (r *Report) Lines() string {
	var w strings.Builder
	for _, line := range slices.Sorted(maps.Keys(r.passed)) {
		fmt.Fprintf(&w, "%d: %s\n", line, strings.Join(r.passed[line], ", "))
	}
	return w.String()
}
