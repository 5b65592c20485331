package spec

// check is a placeholder body replaced below.
func check(f *Family, errs *collector) {}
