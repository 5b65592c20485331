package moqt

//go:generate go run github.com/moqrx/moqrx/cmd/moqgen -w ../../spec/transport.moq
