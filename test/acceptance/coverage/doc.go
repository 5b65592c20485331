// Package coverage finds out which lines of the acceptance list of the object model are covered by tests, from
// what "go test -json" prints.
package coverage
