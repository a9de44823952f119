package httpx

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Error is what a client is told: a status, a code of RFC 6749 §5.2 or RFC 6750
// §3.1 where one exists, and a sentence that holds nothing internal.
type Error struct {
	Status      int
	Code        string
	Description string
	RetryAfter  time.Duration // zero: none
	Challenge   string        // WWW-Authenticate; a 401 always has one
	cause       error         // for the log only
}

func (e *Error) Error() string { return e.Code + ": " + e.Description }

// Unwrap returns what happened, which the client isn't told.
func (e *Error) Unwrap() error { return e.cause }

// BadRequest is invalid_request (RFC 6749 §5.2) with a description.
func BadRequest(description string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "invalid_request", Description: description}
}

// Row says how one error of a noun looks to a client.
type Row struct {
	Is     error
	Answer Error
	// Retry tells when to come back, where the error knows; nil: as Answer says.
	Retry func(error) time.Duration
}

// Retry makes a Row's Retry of the error type that knows when to come back.
func Retry[E error](after func(E) time.Duration) func(error) time.Duration {
	return func(err error) time.Duration {
		e, ok := errors.AsType[E](err)
		if !ok {
			return time.Second
		}
		return after(e)
	}
}

// Unavailable never looks like a refusal: clients keep their tokens and come back.
var Unavailable = Error{
	Status: http.StatusServiceUnavailable, Code: "temporarily_unavailable",
	Description: "the service can't answer right now; try again", RetryAfter: time.Second,
}

// TooMany is what a throttled client is told.
var TooMany = Error{Status: http.StatusTooManyRequests, Code: "too_many_requests", Description: "too many attempts; come back later"}

// Table is a face's one table of errors: the first row that matches is taken;
// what no row matches is a fixed 500.
type Table []Row

// Lookup turns any error into what the client is told.
func (t Table) Lookup(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	answer := Error{Status: http.StatusInternalServerError, Code: "server_error", Description: "something went wrong here; the log knows it by the request id"}
	for _, row := range t {
		if errors.Is(err, row.Is) {
			answer = row.Answer
			if row.Retry != nil {
				answer.RetryAfter = row.Retry(err)
			}
			break
		}
	}
	answer.cause = err
	return &answer
}

type errorBody struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
	RequestID   string `json:"request_id,omitempty"`
}

// Fail answers with an error, by the face's table.
func (t Table) Fail(w http.ResponseWriter, r *http.Request, err error) {
	e := t.Failed(w, r, err)
	JSON(w, e.Status, errorBody{e.Code, e.Description, RequestID(r.Context())})
}

// Failed looks an error up, notes it for the log and sets the headers that go with it,
// for an answer in whatever shape.
func (t Table) Failed(w http.ResponseWriter, r *http.Request, err error) *Error {
	e := t.Lookup(err)
	of(r.Context()).failure = err.Error()
	Note(r.Context(), "error", err.Error())
	if e.RetryAfter > 0 {
		// Whole seconds, rounded up: coming back earlier would be too early.
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	if e.Status == http.StatusUnauthorized && e.Challenge == "" {
		e.Challenge = "Bearer" // RFC 9110 §11.6.1: a 401 has a challenge
	}
	if e.Challenge != "" {
		w.Header().Set("WWW-Authenticate", e.Challenge)
	}
	return e
}

// Handle makes a handler of one that returns its error.
func (t Table) Handle(f func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := f(w, r); err != nil {
			t.Fail(w, r, err)
		}
	}
}

// JSON answers with a document that no cache may keep (RFC 6749 §5.1).
func JSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // our own types always encode
		status, body = http.StatusInternalServerError, []byte(`{"error":"server_error"}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a client that left needs no answer
}
