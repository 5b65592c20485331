package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/moqrx/moqrx/codegen"
	"github.com/moqrx/moqrx/spec"
)

// options are the flags.
type options struct {
	write, check bool
	dir          string
}

// add defines the flags on cmd.
func (o *options) add(cmd *cobra.Command, dir string) {
	cmd.Flags().BoolVarP(&o.write, "write", "w", false, "write the files instead of printing them")
	cmd.Flags().BoolVar(&o.check, "check", false, "compare the files with those that are there; exit code 1 and a diff when they differ")
	cmd.Flags().StringVarP(&o.dir, "output", "o", "", "directory of the files (default "+dir+"/FAMILY beside the directory of the spec)")
}

// verify finds flags that contradict each other.
func (o *options) verify(args []string) error {
	switch {
	case o.write && o.check:
		return usageError{errors.New("-w and -check do not go together")}
	case o.dir != "" && len(args) != 1:
		return usageError{errors.New("-o is for one spec file")}
	}
	return nil
}

// usageError is a mistake on the command line.
type usageError struct{ error }

// run is the command without its process: it gives the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	err := command(stdout, stderr, args).Execute()
	if err == nil {
		return 0
	}
	text, code := "moqgen: "+err.Error(), 1
	var usage usageError
	var list spec.Errors
	switch {
	case errors.As(err, &usage):
		text, code = text+"; see moqgen --help", 2
	case errors.As(err, &list):
		text = list.Error() // each line names the file; nothing to add
	}
	if _, err := fmt.Fprintln(stderr, text); err != nil {
		return 1
	}
	return code
}

func command(stdout, stderr io.Writer, args []string) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:           "moqgen [flags] [SPEC ...]",
		Short:         "Generate Go codecs from spec files",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          func(_ *cobra.Command, args []string) error { return o.verify(args) },
		RunE:          func(_ *cobra.Command, args []string) error { return generateAll(o, args, stdout) },
	}
	o.add(cmd, "gen")
	cmd.AddCommand(docsCommand(stdout), jsonCommand(stdout), luaCommand(stdout))
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	cmd.SetArgs(longFlags(args))
	return cmd
}

// longFlags lets -check stand for --check, as people write it who are used to Go's own tools.
func longFlags(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		if len(a) > 2 && a[0] == '-' && a[1] != '-' && a[2] != '=' {
			a = "-" + a
		}
		out[i] = a
	}
	return out
}

// generateAll reads all specs first: nothing is printed or written unless all files can be made.
func generateAll(o options, paths []string, stdout io.Writer) error {
	sources, err := readSpecs(paths)
	if err != nil {
		return err
	}
	var all []*output
	for _, s := range sources {
		out, err := generate(o.dir, s)
		if err != nil {
			return err
		}
		all = append(all, out)
	}
	return o.finish(all, stdout)
}

// finish does with the files what the flags say.
func (o options) finish(all []*output, stdout io.Writer) error {
	var errs []error
	for _, out := range all {
		switch {
		case o.write:
			errs = append(errs, out.write())
		case o.check:
			errs = append(errs, out.compare(stdout))
		default:
			errs = append(errs, out.print(stdout))
		}
	}
	return errors.Join(errs...)
}

// output is the files of one spec and where they belong.
type output struct {
	source string // base name of the spec file
	dir    string
	files  []codegen.File
	maker  string // command that makes them
}

func generate(dir string, s *source) (*output, error) {
	files, err := codegen.Go(s.family, s.name())
	if err != nil {
		return nil, err
	}
	return &output{s.name(), s.beside(dir, "gen"), files, "moqgen"}, nil
}

func (o *output) path(name string) string { return filepath.ToSlash(filepath.Join(o.dir, name)) }

func (o *output) print(stdout io.Writer) error {
	for _, f := range o.files {
		if _, err := fmt.Fprintf(stdout, "-- %s --\n%s", o.path(f.Name), f.Data); err != nil {
			return err
		}
	}
	return nil
}
