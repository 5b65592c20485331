package lite

//go:generate go run github.com/moqrx/moqrx/cmd/moqgen -w ../../spec/lite.moq
