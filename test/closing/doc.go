// Package closing holds what is malformed against the code with which the drafts want the session closed for
// it, rule by rule.
package closing
