package model

import "testing"

func TestOriginTreeIsPruned(t *testing.T) {
	o := NewOrigin()
	a := o.Consume().Announcements()
	b, err := o.CreateBroadcast("a/b/c", Route{})
	if err != nil {
		t.Fatal(err)
	}
	room, err := o.Consume().Scope("a/b", "x/y")
	if err != nil {
		t.Fatal(err)
	}
	scoped := room.Announcements()
	_ = b.Close()
	_ = scoped.Close()
	if len(o.o.root.children) > 0 {
		t.Errorf("%d children are left of an empty origin", len(o.o.root.children))
	}
	_ = a.Close()
	if !o.o.root.empty() {
		t.Error("the root of an empty origin still holds something")
	}
}
