// Package rx makes Observables of what a consumer reads, and tracks of what an Observable
// emits. An Observable is that of github.com/reactivex/rxgo/v2, with all its operators.
//
// # Usage
//
// A [Stream] is typed and cold. Streams come from the consumers of package model, are shaped
// by operators, and run in the loop that ranges over them:
//
//	frames := rx.Frames(track).Filter(func(f rx.Frame) bool { return f.Index == 0 })
//	for frame, err := range frames.All(ctx) {
//		...
//	}
//
// Any stream is an Observable, and any Observable can be ranged over:
//
//	keyframes := rx.Frames(track).Observable().Filter(isKeyframe)
//	for frame, err := range rx.All[rx.Frame](ctx, keyframes) {
//		...
//	}
//
// The other way, [Publish] writes the items of an Observable into a track:
//
//	err := rx.Publish(ctx, track, payloads)
//
// # Cold
//
// Every run of a stream and every observation of an Observable reads with a clone of the
// consumer. Each sees everything from where the consumer stood, no observer takes an item from
// another, and the consumer itself does not move. To read a source once for many observers,
// give them a track: [Publish] into it and observe that.
//
// # Ends, errors and gaps
//
// A clean end is just the end. Anything else is an error, as the last pair of a loop or the
// last item of an Observable: an aborted track, a context that ended, and a group that broke
// off, which is a [*GapError]. [OnGap] goes on after such a group and reports it. Nothing is
// dropped by this package; what a publisher or the network dropped shows as a gap in the group
// sequences.
//
// # Backpressure
//
// A run pulls an item when it is asked for one. An observation pulls at most as many items as
// its buffer holds ([WithBuffer]) and one more; every operator of rxgo adds a buffer of that
// size. An observer that is slow thereby reads a track late, and what the track's cache lets
// go meanwhile is lost to it as described above.
//
// # Goroutines
//
// Streams have none, but for [Merge]. An observation has one. Operators of rxgo have one or
// more each; the ones that only choose items (Filter without options, Take, TakeUntil,
// TakeWhile, Skip, SkipLast, SkipWhile) and the ones that end a chain (ForEach, ToSlice ...)
// add none. All of them end with the first of the contexts involved: the one of [WithContext],
// one given to an operator, the observer's own, and that of [All], which also ends with its
// loop. An observation with none of these ends with its stream.
//
// Behind the methods of an Observable made here are the operators of rxgo v2.5.0, built anew
// for each observation. Some would not survive that, or lose something, and are done here
// instead: Take ends with its last item, SkipLast drops the last items, Count and ToSlice do
// not hide an error, SequenceEqual compares deeply, BufferWithTime, BufferWithTimeOrCount and
// BackOffRetry can be canceled, windows keep their items for every observer, and groups of
// GroupBy are Observables of the source, not shares of one observation.
//
// # Limitations
//
// A frame in an Observable is boxed, which is one allocation per frame; groups and pointers
// are not. Streams box nothing.
//
// Observables made here are cold: Connect and rxgo.WithPublishStrategy do nothing useful with
// them. rxgo.WithErrorStrategy holds for the operator that it is given to, and for operators
// of rxgo right before it. rxgo.WithPool together with rxgo.Serialize may deadlock. An operator
// that is canceled between two rounds of Repeat ends with the round.
//
// Observables made elsewhere are observed with a context, but many operators of rxgo do not
// hand it on; bring such an Observable home with From first:
//
//	rx.From[rx.Frame](foreign).Observable()
//
// FlatMap of rxgo reads one inner Observable after the other; [Merge] reads streams side by
// side.
//
// An observation that is canceled closes without the error of its context when its buffer is
// full, or when it has none and the observer is not waiting at that moment. [All] always tells.
package rx
