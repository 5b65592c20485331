package model

import "log/slog"

// warnDropped tells the developer of a publisher, through slog's default logger, that
// the last handle of something was closed without Finish or Abort, which readers
// see as ErrDropped. It is called without locks, since a logger may do anything.
func warnDropped(what string, attrs ...any) {
	slog.Warn("moq: "+what+" closed without Finish or Abort", attrs...)
}
