package spec

import "testing"

func TestEmbeddedSpecsAreValid(t *testing.T) {
	for name, load := range map[string]func() (*Family, error){"lite": Lite, "moqt": Transport} {
		if f, err := load(); err != nil {
			t.Errorf("%s:\n%v", name, err)
		} else if f.Name != name {
			t.Errorf("%s is called %s", name, f.Name)
		}
	}
}
