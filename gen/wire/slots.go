package wire

// Slot is one item to be written: a field of the generated struct, or an entry of Unknown.
type Slot struct {
	ID      uint64
	Index   int // of the entry, in Unknown or in a field that may repeat
	Unknown bool
}

// ArrangeSlots puts slots in the order in which they are written: that of order as far as it
// goes, then ascending by type. Slots of one type keep their order. Types in order that have
// no slot left are passed over.
func ArrangeSlots(slots []Slot, order []uint64) {
	done := 0
	for _, id := range order {
		for i := done; i < len(slots); i++ {
			if slots[i].ID == id {
				moveUp(slots, i, done)
				done++
				break
			}
		}
	}
	for i := done + 1; i < len(slots); i++ {
		j := i
		for j > done && slots[j-1].ID > slots[i].ID {
			j--
		}
		moveUp(slots, i, j)
	}
}

// moveUp moves slots[from] to slots[to], to <= from, and what was between down by one.
func moveUp(slots []Slot, from, to int) {
	s := slots[from]
	copy(slots[to+1:from+1], slots[to:from])
	slots[to] = s
}

// CheckOnce refuses slots of which two have the same type.
func CheckOnce(slots []Slot) *Error {
	for i, s := range slots {
		for _, t := range slots[:i] {
			if s.ID == t.ID {
				return MalformedCode("each type once", s.ID)
			}
		}
	}
	return nil
}

// HasParam tells whether list has an item of that type.
func HasParam(list []Param, id uint64) bool {
	for _, p := range list {
		if p.ID == id {
			return true
		}
	}
	return false
}
