package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// Purpose is what a call is made for.
type Purpose string

// Purposes.
const (
	ForKeys   Purpose = "jwks_uri"
	ForSector Purpose = "sector_identifier_uri"
	ForLogout Purpose = "backchannel_logout"
)

// Call is a call that was made, or wasn't, as metrics count it.
type Call struct {
	Purpose Purpose
	Outcome string        // one of those below, or status_3xx and the like
	Took    time.Duration // with the wait for its turn
}

// Outcomes of calls; beside them an answer that is no success is its status's class.
const (
	OutcomeOK       = "ok"
	OutcomeRefused  = "refused" // by the guard
	OutcomeBusy     = "busy"    // it got no turn
	OutcomeTimeout  = "timeout"
	OutcomeCanceled = "canceled" // by who asked for it
	OutcomeTooLarge = "too_large"
	OutcomeFailed   = "failed" // no connection, no certificate that is trusted, no HTTP
)

// outcome names what came of a call: one of a bounded number of names.
func outcome(status int, err error) string {
	if s, is := errors.AsType[StatusError](err); is {
		return statusClass(int(s))
	}
	switch {
	case err == nil && status/100 == 2:
		return OutcomeOK
	case err == nil:
		return statusClass(status)
	case errors.Is(err, ErrRefused):
		return OutcomeRefused
	case errors.Is(err, context.Canceled):
		return OutcomeCanceled
	case errors.Is(err, ErrBusy):
		return OutcomeBusy
	case errors.Is(err, ErrTooLarge):
		return OutcomeTooLarge
	case isTimeout(err):
		return OutcomeTimeout
	}
	return OutcomeFailed
}

func isTimeout(err error) bool {
	slow, is := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || is && slow.Timeout()
}

// statusClass is such as status_4xx. What is outside RFC 9110 §15's classes is one name.
func statusClass(status int) string {
	if status < 100 || status > 599 {
		return "status_other"
	}
	return fmt.Sprintf("status_%dxx", status/100)
}
