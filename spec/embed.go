package spec

import _ "embed"

//go:generate go run ../cmd/moqgen -w lite.moq transport.moq

// The protocols as text.
var (
	//go:embed lite.moq
	liteText string
	//go:embed transport.moq
	transportText string
)

// Lite reads the spec of moq-lite.
func Lite() (*Family, error) { return Parse("spec/lite.moq", liteText) }

// Transport reads the spec of moq-transport.
func Transport() (*Family, error) { return Parse("spec/transport.moq", transportText) }
