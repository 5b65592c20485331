package session

import "fmt"

// Role is what a client is going to do in its session. A client with [WithPublish] alone says that it
// publishes, one with [WithConsume] alone that it subscribes.
type Role uint64

// The roles. A peer that says neither of the last two does both.
const (
	RoleBoth Role = iota
	RolePublisher
	RoleSubscriber
)

// String is "both", "publisher" or "subscriber".
func (r Role) String() string {
	switch r {
	case RoleBoth:
		return "both"
	case RolePublisher:
		return "publisher"
	case RoleSubscriber:
		return "subscriber"
	}
	return fmt.Sprintf("Role(%d)", uint64(r))
}
