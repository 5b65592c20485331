package model

// Serving tells whether a consumer reads b: it is b, or b is the best source of the
// path that the consumer is of.
func Serving(c *BroadcastConsumer, b *BroadcastProducer) bool {
	f := c.b.front
	if f == nil {
		return c.b == b.b
	}
	f.o.mu.Lock()
	defer f.o.mu.Unlock()
	return f.active != nil && f.active.b == b.b
}
