package httpx

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/signet-oidc/signet/verifier/jws"
)

// Members reads one JSON object of at most most bytes whose members the reader may know
// or not, as RFC 7591 §2 has it: each as it stands, each once, none that differs from
// another in case alone. A member that is null counts as left out.
func Members(w http.ResponseWriter, r *http.Request, most int64) (map[string]json.RawMessage, error) {
	if err := contentType(r, "application/json"); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return nil, &Error{Status: http.StatusRequestEntityTooLarge, Code: "invalid_request", Description: fmt.Sprintf("the body is over %d KiB", most>>10)}
	}
	if err != nil {
		return nil, BadRequest("the body can't be read")
	}
	return parseMembers(string(body))
}

func parseMembers(body string) (map[string]json.RawMessage, error) {
	members, in := map[string]json.RawMessage{}, jws.NewReader(body)
	for m := in.Object(); m.Next(&in); {
		if in.Kind() == jws.Null {
			continue // passed over, and so checked
		}
		members[m.Name] = json.RawMessage(in.Raw())
	}
	if err := in.End(); err != nil {
		return nil, BadRequest("the body is not one JSON object with each member once")
	}
	return members, nil
}
