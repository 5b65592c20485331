package spec

import _ "embed"

// The protocols as text.
var (
	//go:embed lite.moq
	liteText string
)

// Lite reads the spec of moq-lite.
func Lite() (*Family, error) { return Parse("spec/lite.moq", liteText) }
