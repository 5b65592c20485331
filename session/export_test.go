package session

// OnBegin replaces what is told when the request has become a session.
func (r *Request) OnBegin(f func(*Session)) { r.begun = f }
