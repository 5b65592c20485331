package model

import "log/slog"

// warnDropped tells the developer of a publisher, through slog's default logger, that
// the last handle of a track or group was closed without Finish or Abort: readers
// lose what is cached and see ErrDropped. (A broadcast that is closed so takes nothing
// from anybody, and is no mistake.) It is called without locks, since a logger may
// do anything.
func warnDropped(what string, attrs ...any) {
	slog.Warn("moq: "+what+" closed without Finish or Abort", attrs...)
}
