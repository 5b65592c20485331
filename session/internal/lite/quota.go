package lite

import (
	"sync/atomic"

	"github.com/moqrx/moqrx/model"
)

// quotas count what the peer has open against the [Limits].
type quotas struct {
	subscriptions, announces quota
	unfinished               atomic.Int64 // bytes of groups that have not ended
}

func newQuotas(l Limits) quotas {
	return quotas{
		subscriptions: quota{what: "subscriptions", most: int64(l.Subscriptions)},
		announces:     quota{what: "requests for announcements", most: int64(l.Announces)},
	}
}

// quota is how many of something the peer may have open.
type quota struct {
	what string
	most int64
	open atomic.Int64
}

// hold runs f as one of them, or refuses it.
func (q *quota) hold(f func() error) error {
	defer q.open.Add(-1)
	if q.open.Add(1) > q.most {
		return failure(model.CodeBoundsExceeded, "more than %d %s", q.most, q.what)
	}
	return f()
}

// budget is what one group that is coming in takes of the bytes of all of them.
type budget struct {
	used *atomic.Int64 // by all
	most int64
	own  int64
}

func (e *Engine) budget() *budget {
	return &budget{used: &e.quotas.unfinished, most: e.limits.UnfinishedBytes}
}

// take notes n more bytes, and fails when they are too many.
func (b *budget) take(n int) error {
	b.own += int64(n)
	if b.used.Add(int64(n)) > b.most {
		return failure(model.CodeEvicted, "the unfinished groups have more than %d bytes", b.most)
	}
	return nil
}

// release gives everything back.
func (b *budget) release() { b.used.Add(-b.own) }
