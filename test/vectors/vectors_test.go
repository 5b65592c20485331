package vectors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/gen/named"
	"github.com/moqrx/moqrx/gen/wire"
)

// The outcome of all vectors: each passed, failed, or was set aside by a rule.
var (
	passed, failed int
	ruled          = make([]int, len(exceptions)) // how many each rule fits
	setAside       int
	ran            int // how many of the tests that run vectors
)

// TestMain prints the outcome after the tests, where -v does not bury it.
func TestMain(m *testing.M) {
	code := m.Run()
	fmt.Printf("vectors: %d passed, %d failed\n", passed, failed)
	fmt.Printf("vectors: %d set aside, counted as neither\n", setAside)
	for i, n := range ruled {
		if n > 0 {
			fmt.Printf("vectors: %4d %s: %s\n", n, exceptions[i].treatment, exceptions[i].reason)
		}
	}
	if ran == 2 && complete() && unneeded() {
		code = 1
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}

// unneeded names the rules that fit no vector: they are of no use any more.
func unneeded() (found bool) {
	for i, n := range ruled {
		if n == 0 {
			fmt.Printf("vectors: FAILED: no vector fits the rule %q, take it out\n", exceptions[i].reason)
			found = true
		}
	}
	return found
}

// rule finds how v is to be run, and counts it.
func (v *vector) rule() treatment {
	how, rule := treat(v)
	if rule >= 0 {
		ruled[rule]++
	}
	if how == ambiguous {
		setAside++
	}
	return how
}

// TestVectors sends all vectors through the JSON lines that moqdump hex answers.
func TestVectors(t *testing.T) {
	ran++
	var list []*vector
	for _, v := range load(t) {
		if v.Stream == nil { // else it is of a session
			list = append(list, v)
		}
	}
	answers := ask(t, list)
	for _, v := range list {
		how := v.rule()
		if how == ambiguous {
			continue
		}
		if err := v.run(how, answers[v]); err != nil {
			failed++
			t.Errorf("%s: %s %s (%s %s) %.160s: %v", v.at, v.Version, v.Message, v.Note, v.Source, v.text(), err)
			continue
		}
		passed++
	}
}

// answer is what is said to a line, as JSON has it.
type answer struct {
	OK        bool
	Fields    map[string]any
	Consumed  int
	Reencoded *string
	Error     *named.Failure
}

// ask has all vectors that have bytes answered in one go, once for each of their versions.
func ask(t *testing.T, list []*vector) map[*vector][]*answer {
	t.Helper()
	var in, out bytes.Buffer
	var order []*vector
	enc := json.NewEncoder(&in)
	for _, v := range list {
		if v.Hex == nil {
			continue
		}
		for _, version := range named.Versions(v.Version) {
			if err := enc.Encode(map[string]string{"version": version, "message": v.Message, "hex": *v.Hex}); err != nil {
				t.Fatal(err)
			}
			order = append(order, v)
		}
	}
	if err := named.Lines(&in, &out); err != nil {
		t.Fatal(err)
	}
	answers := map[*vector][]*answer{}
	dec := json.NewDecoder(&out)
	dec.UseNumber()
	for _, v := range order {
		a := new(answer)
		if err := dec.Decode(a); err != nil {
			t.Fatal(err)
		}
		answers[v] = append(answers[v], a)
	}
	if dec.More() {
		t.Fatal("more answers than lines")
	}
	return answers
}

// run holds a vector against the answers to it.
func (v *vector) run(how treatment, answers []*answer) error {
	if v.Hex == nil {
		return v.refused()
	}
	for i, a := range answers {
		if err := v.check(named.Versions(v.Version)[i], how, a); err != nil {
			return err
		}
	}
	return nil
}

func (v *vector) check(version string, how treatment, a *answer) error {
	accept := v.Error == "" && v.DecodeError == "" && how != mustReject
	if v.JS != nil { // the one that relays run counts where two differ
		rust, ok := v.Rust.(map[string]any)
		if !ok {
			return errors.New("no verdict")
		}
		accept = rust["ok"] == true
	}
	switch {
	case !accept && a.OK:
		return fmt.Errorf("decoded, but has to be rejected: %v", a.Fields)
	case !accept && (a.Error == nil || a.Error.Reason == "" || !slices.Contains([]string{"short", "malformed", "unsupported"}, a.Error.Kind)):
		return fmt.Errorf("rejected for no reason: %+v", a.Error)
	case !accept:
		return nil
	case !a.OK:
		return errors.New(a.Error.Reason)
	case a.Consumed != len(*v.Hex)/2:
		return fmt.Errorf("%d of %d bytes consumed", a.Consumed, len(*v.Hex)/2)
	}
	if how != bytesOnly {
		if err := v.compare(version, a.Fields); err != nil {
			return err
		}
	}
	if how == decodeOnly || !v.canonical() {
		return nil
	}
	if a.Reencoded == nil || *a.Reencoded != *v.Hex {
		return fmt.Errorf("encoded as %v", a.Reencoded)
	}
	return nil
}

// compare holds the fields of an answer against those of a vector.
func (v *vector) compare(version string, got map[string]any) error {
	p, err := named.Find(version)
	if err != nil {
		return err
	}
	c := comparison{p, v, named.Message(v.Message)}
	want := v.Fields
	if v.JS != nil {
		value, ok := v.JS.Value.(map[string]any)
		if !v.JS.OK || !ok {
			return nil
		}
		want = value
		for _, inner := range value { // {"drop": {...}}
			if m, ok := inner.(map[string]any); ok && len(value) == 1 {
				want = m
			}
		}
	}
	switch {
	case want == nil:
		return nil
	case strings.HasSuffix(c.name, "GROUP_STREAM"), strings.HasPrefix(c.name, "FETCH_STREAM"), c.name == "FETCH_OBJECT":
		return c.stream(want, got)
	}
	return c.fields(want, got)
}

// refused runs a vector that says an encoder refuses its fields: those of a message that the version does not
// have, or a number that is too large.
func (v *vector) refused() error {
	if v.Message == "zigzag" {
		n, err := strconv.ParseInt(fmt.Sprint(v.Fields["value"]), 10, 64)
		if err == nil && wire.Zigzag(n) <= wire.MaxVarint {
			err = fmt.Errorf("%d fits, but has to be refused", n)
		}
		return err
	}
	p, err := named.Find(v.Version)
	if err != nil {
		return err
	}
	name := named.Message(v.Message)
	c := p.Codec(name)
	if c == nil {
		return fmt.Errorf("no message %s", name)
	}
	out, err := c.Append(nil)
	switch {
	case err == nil:
		return fmt.Errorf("encoded as %x, but has to be refused", out)
	case !p.Has(name) && !errors.Is(err, wire.ErrUnsupported):
		return err
	}
	return nil
}
