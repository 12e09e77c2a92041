// Package contact is the pure core of one contact: identity, permission to call, limits, service window, active call.
package contact
