package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/moqrx/moqrx/codegen"
	"github.com/moqrx/moqrx/spec"
)

//go:generate go run . docs -w ../../spec/lite.moq ../../spec/transport.moq

func docsCommand(stdout io.Writer) *cobra.Command {
	var o options
	var compare bool
	cmd := &cobra.Command{
		Use:   "docs [SPEC ...] | docs -diff FROM TO [SPEC ...]",
		Short: "Describe versions in Markdown, or what changed between two of them",
		Example: "  moqgen docs -w\n" +
			"  moqgen docs -diff 19 20\n" +
			"  moqgen docs -diff lite-04 lite-05",
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case compare && len(args) < 2:
				return usageError{errors.New("-diff compares two versions: docs -diff 19 20")}
			case compare && (o.write || o.check || o.dir != ""):
				return usageError{errors.New("-diff prints; it does not go with -w, -check and -o")}
			}
			return o.verify(args)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if compare {
				return printChanges(args[0], args[1], args[2:], stdout)
			}
			sources, err := readSpecs(args)
			if err != nil {
				return err
			}
			var all []*output
			for _, s := range sources {
				all = append(all, &output{s.name(), s.beside(o.dir, "docs"), codegen.Markdown(s.family, s.name()), "moqgen docs"})
			}
			return o.finish(all, stdout)
		},
	}
	o.add(cmd, "docs")
	cmd.Flags().BoolVar(&compare, "diff", false, "say what changed between two versions")
	return cmd
}

// printChanges finds the spec that has both versions and prints what changed.
func printChanges(from, to string, paths []string, stdout io.Writer) error {
	sources, err := readSpecs(paths)
	if err != nil {
		return err
	}
	var names []string
	for _, s := range sources {
		a, b := findVersion(s.family, from), findVersion(s.family, to)
		if a != nil && b != nil {
			text, err := codegen.Changes(s.family, a.Number, b.Number)
			if err != nil {
				return err
			}
			_, err = io.WriteString(stdout, text)
			return err
		}
		for _, v := range s.family.Versions {
			names = append(names, v.Name)
		}
	}
	return usageError{fmt.Errorf("no spec has both %s and %s; the versions are %s", from, to, strings.Join(names, ", "))}
}

// findVersion finds a version by number, by any of its names, or by family and number.
func findVersion(f *spec.Family, name string) *spec.Version {
	for _, v := range f.Versions {
		names := append([]string{v.Name, v.ALPN}, v.Also...)
		if slices.Contains(names, name) {
			return v
		}
		number := strings.TrimPrefix(name, f.Name+"-")
		if n, err := strconv.Atoi(number); err == nil && n == v.Number {
			return v
		}
	}
	return nil
}
