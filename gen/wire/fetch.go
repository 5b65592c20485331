package wire

// FetchStep is what one object of a fetch stream says about its place: the fields of a
// FETCH_OBJECT. Numbers that are not there are 0.
type FetchStep struct {
	Deltas                           bool // groups and objects are differences: draft 18 and later
	HasGroup, HasObject, HasPriority bool
	Mode                             uint8 // of the subgroup: 0 zero, 1 the prior one, 2 one more, 3 Subgroup; 64 and above none
	Marker                           bool  // the end of a range, not an object
	Group, Subgroup, Object          uint64
	Priority                         uint8
}

// FetchPlace is where an object belongs.
type FetchPlace struct {
	Group, Subgroup, Object uint64
	Priority                uint8
}

// FetchCursor follows the objects of a fetch stream, each of which may refer to the one before
// (draft-ietf-moq-transport-15 and later, section on fetch headers). The zero value stands at
// the start of a stream in ascending order of a draft with the varints of QUIC.
type FetchCursor struct {
	Descending bool // groups come latest first
	Vi         Vi   // of the draft: its largest integer is the largest id
	begun      bool // some object or marker came
	object     bool // some object came
	prior      FetchPlace
}

// Next gives the place of the object that s describes.
func (c *FetchCursor) Next(s FetchStep) (FetchPlace, *Error) {
	p := c.prior
	switch {
	case !c.begun && (!s.HasGroup || !s.HasObject):
		return p, Malformed("a group and an object id on the first object", "none")
	case !s.Marker && !c.object && (!s.HasPriority || s.Mode == 1 || s.Mode == 2):
		return p, Malformed("a priority and a subgroup on the first object", "a reference to the one before")
	}
	var e *Error
	if p.Group, e = c.group(s); e != nil {
		return p, e.At("Group", 0)
	}
	if p.Object, e = c.objectID(s); e != nil {
		return p, e.At("Object", 0)
	}
	if !s.Marker {
		if s.HasPriority {
			p.Priority = s.Priority
		}
		if p.Subgroup, e = c.subgroup(s); e != nil {
			return p, e.At("Subgroup", 0)
		}
		c.object = true
	}
	c.begun, c.prior = true, p
	return p, nil
}

func (c *FetchCursor) group(s FetchStep) (uint64, *Error) {
	switch {
	case !s.HasGroup:
		return c.prior.Group, nil
	case !s.Deltas || !c.begun:
		return s.Group, nil
	case c.Descending:
		if s.Group >= c.prior.Group {
			return 0, MalformedNumber("a group of at least 0", s.Group)
		}
		return c.prior.Group - s.Group - 1, nil
	}
	return c.after(c.prior.Group, s.Group)
}

func (c *FetchCursor) objectID(s FetchStep) (uint64, *Error) {
	switch {
	case !s.HasObject:
		return c.after(c.prior.Object, 0)
	case !s.Deltas || s.HasGroup:
		return s.Object, nil
	case s.Object > c.Vi.Max()-min(c.prior.Object, c.Vi.Max()):
		return 0, c.Vi.IDFault(s.Object)
	}
	return c.prior.Object + s.Object, nil
}

func (c *FetchCursor) subgroup(s FetchStep) (uint64, *Error) {
	switch s.Mode {
	case 1:
		return c.prior.Subgroup, nil
	case 2:
		return c.after(c.prior.Subgroup, 0)
	case 3:
		return s.Subgroup, nil
	}
	return 0, nil
}

// after is the id that stands delta behind prior.
func (c *FetchCursor) after(prior, delta uint64) (uint64, *Error) {
	id, ok := c.Vi.NextID(Some(prior), delta)
	if !ok {
		return 0, c.Vi.IDFault(delta)
	}
	return id, nil
}
