package spec

import (
	"fmt"
)

// legalTypes are the values of the bit field of a layout that its rules leave.
func legalTypes(b *Block, version int) []string {
	var list []string
	for x := range uint64(256) {
		if values := bitValues(b, version, x); values != nil && !refused(b, version, values) {
			list = append(list, fmt.Sprintf("0x%x", x))
		}
	}
	return list
}

// bitValues takes x apart, or gives nil when it is none of the version.
func bitValues(b *Block, version int, x uint64) map[string]uint64 {
	values := map[string]uint64{}
	mask := uint64(0)
	for _, f := range b.Fields {
		for _, bit := range f.Bits {
			if !bit.On.Has(version) {
				continue
			}
			mask |= bit.Mask
			part := (x & bit.Mask) / (bit.Mask & -bit.Mask)
			if bit.Name == "" && part != bit.Fixed || bit.Limit != nil && part > bit.Limit.High {
				return nil
			}
			values[bit.Name] = part
		}
	}
	if x&^mask != 0 {
		return nil
	}
	return values
}

// refused tells whether a rule that looks at nothing but bits refuses them.
func refused(b *Block, version int, values map[string]uint64) bool {
	for _, r := range b.Refuse {
		all := r.On.Has(version)
		for _, c := range r.Conds {
			v, ok := values[c.Field]
			all = all && ok && len(c.Values) == 0 && (v != 0) != c.Not
		}
		if all {
			return true
		}
	}
	return false
}
