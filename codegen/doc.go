// Package codegen turns a checked spec into code: [Go] gives the Go codecs of a family.
//
//	family, err := spec.Lite()
//	files, err := codegen.Go(family, "lite.moq")
//
// The generator collects first and renders second: a model of each Go type is put together
// from all layouts of a message, then small emitters, one for each kind of declaration and
// each kind of field, render it with jennifer. The same spec gives the same bytes.
//
// # Limitations
//
// Generated code calls the primitives of gen/wire and compiles against the version of it that
// its handshake constant names. The package writes no files; cmd/moqgen does.
package codegen
