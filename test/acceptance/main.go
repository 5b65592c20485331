// Command acceptance runs the tests of the object model and prints which lines of its acceptance list they
// cover. A test covers a line when it passes and has its number in its name, as in
//
//	t.Run("16.2/9 three broadcasts at one path", ...)
//
// The list is one of numbered behaviors: 16.2 is a subject (announcements) and 9 a line of it. It exits with 1
// when a line is neither covered nor exempt, or when the names do not fit the list.
//
//	go run ./test/acceptance        # the sums, and what is missing
//	go run ./test/acceptance -v     # each line with its tests
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/moqrx/moqrx/test/acceptance/coverage"
)

// packages have the tests of the model, and of what sessions need of it.
var packages = []string{"./model/...", "./session/...", "./gen/wire"}

func main() {
	verbose := flag.Bool("v", false, "print each line with the tests that cover it")
	flag.Parse()
	if err := run(os.Stdout, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "acceptance:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, verbose bool) error {
	test := exec.Command("go", append([]string{"test", "-json", "-count=1"}, packages...)...)
	test.Stderr = os.Stderr
	out, err := test.StdoutPipe()
	if err != nil {
		return err
	}
	if err := test.Start(); err != nil {
		return err
	}
	report, err := coverage.Read(out)
	if err != nil {
		return fmt.Errorf("reading the output of %v: %w", test, err)
	}
	if err := test.Wait(); err != nil {
		return fmt.Errorf("%v failed, so nothing is said about the lines: %w", test, err)
	}
	text, faults := report.Check()
	if verbose {
		text = report.Lines() + text
	}
	_, err = io.WriteString(w, text)
	return errors.Join(err, faults)
}
