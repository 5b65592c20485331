package tree

import (
	"testing"

	"github.com/moqrx/moqrx/gen/moqt"
)

// A property list whose items have been taken out is none, though it knows in which order they were.
func TestListsWithoutItemsAreNotWritten(t *testing.T) {
	var m moqt.ObjectDatagram
	if _, err := m.Parse([]byte{0x01, 0x01, 0x02, 0x00, 0x00, 0x04, 0x3e, 0x01, 0x10, 0x05}, moqt.Version15); err != nil {
		t.Fatal(err)
	}
	order := m.Properties.Order
	m.Properties = moqt.ObjectProperties{Order: order}
	if _, err := m.Append(nil, moqt.Version15); err == nil || len(order) == 0 {
		t.Errorf("a bit for the properties and none of them is written (order %v)", order)
	}
	m.HasProperties = false
	b, err := m.Append(nil, moqt.Version15)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := new(moqt.ObjectDatagram).Parse(b, moqt.Version15); err != nil {
		t.Errorf("%x: %v", b, err)
	}
}
