package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/moqrx/moqrx/spec"
)

// source is a spec file that was read.
type source struct {
	path   string
	family *spec.Family
}

// readSpecs reads the files named, or all in spec/ when none is.
func readSpecs(paths []string) ([]*source, error) {
	if len(paths) == 0 {
		var err error
		if paths, err = filepath.Glob("spec/*.moq"); err != nil {
			return nil, err
		}
		if len(paths) == 0 {
			return nil, usageError{errors.New("no spec file named, and none in spec/")}
		}
	}
	var all []*source
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		family, err := spec.Parse(filepath.ToSlash(path), string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, &source{path, family})
	}
	return all, nil
}

// name is the base name of the file.
func (s *source) name() string { return filepath.Base(s.path) }

// beside is dir, or when that is empty the directory of the family in one of the given name
// beside that of the spec.
func (s *source) beside(dir, name string) string {
	if dir != "" {
		return dir
	}
	return filepath.Join(filepath.Dir(s.path), "..", name, s.family.Name)
}
