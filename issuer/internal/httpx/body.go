package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/signet-oidc/signet/verifier/jws"
)

// MaxBody is the most bytes of a request body that are read.
const MaxBody = 64 << 10

// maxFields is the most parameters of a form; no endpoint knows half as many.
const maxFields = 64

// DecodeJSON reads one JSON object into dst, a pointer to a struct: the content
// type must say so; a second document, a member twice, an unknown member (who
// would set roles) or one in another case is refused. What is left out stays as dst has
// it, and null makes it zero (RFC 7396).
func DecodeJSON(w http.ResponseWriter, r *http.Request, dst any) error {
	if err := contentType(r, "application/json"); err != nil {
		return err
	}
	body, err := read(w, r)
	if err != nil {
		return err
	}
	return decodeJSON(body, dst)
}

func decodeJSON(body []byte, dst any) error {
	known := members(dst)
	var taken [][]int // fields that null takes away
	in := jws.NewReader(string(body))
	for m := in.Object(); m.Next(&in); {
		field, is := known[m.Name]
		if !is {
			return BadRequest("the body has a member that is not known here" + named(m.Name))
		}
		if in.Kind() == jws.Null {
			taken = append(taken, field)
		}
	}
	if err := in.End(); err != nil {
		return BadRequest("the body is not one JSON object with each member once")
	}
	inner := json.NewDecoder(bytes.NewReader(body))
	inner.DisallowUnknownFields() // of objects within
	err := inner.Decode(dst)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return BadRequest("a member of the body has the wrong type" + named(wrong.Field))
	}
	if err != nil {
		return BadRequest("a member of the body has the wrong type, or one within that is not known here")
	}
	for _, field := range taken { // encoding/json leaves what is no pointer as it was
		reflect.ValueOf(dst).Elem().FieldByIndex(field).SetZero()
	}
	return nil
}

// maxNamed is the longest name of a member that is told back.
const maxNamed = 64

// named says which member, where its name is a plain one, which a description may hold (RFC 6749 §5.2).
func named(member string) string {
	strange := func(r rune) bool {
		return r != '_' && r != '.' && r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	if member == "" || len(member) > maxNamed || strings.ContainsFunc(member, strange) {
		return ""
	}
	return ": " + member
}

// members are a struct's fields by their JSON names, those of an embedded one too.
func members(dst any) map[string][]int {
	fields := reflect.VisibleFields(reflect.TypeOf(dst).Elem())
	names := make(map[string][]int, len(fields))
	for _, f := range fields {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); !f.Anonymous {
			names[name] = f.Index
		}
	}
	return names
}

// Form reads an application/x-www-form-urlencoded body. A parameter that occurs
// twice is refused; one without a value counts as left out (RFC 6749 §3.1, §3.2).
// Parameters in the URL are not read (§2.3.1: never in the request URI).
func Form(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	form, err := FormOf(w, r)
	if err != nil {
		return nil, err
	}
	return once(form)
}

// once refuses what occurs twice. RFC 8707 §2 allows several resources.
func once(form url.Values) (url.Values, error) {
	for name, values := range form {
		if len(values) > 1 && name != "resource" && name != "audience" {
			return nil, BadRequest("a parameter occurs twice")
		}
	}
	return form, nil
}

// FormOf is Form for who has something to say of what occurs twice.
func FormOf(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if err := contentType(r, "application/x-www-form-urlencoded"); err != nil {
		return nil, err
	}
	body, err := read(w, r)
	if err != nil {
		return nil, err
	}
	return Values(string(body))
}

// Values reads the parameters of a form or a query. Those without a value count as
// left out.
func Values(raw string) (url.Values, error) {
	if strings.Count(raw, "&") >= maxFields {
		return nil, BadRequest("there are too many parameters")
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, BadRequest("the parameters can't be read")
	}
	for name, given := range values {
		if len(given) == 1 && given[0] == "" {
			delete(values, name)
		}
	}
	return values, nil
}

func contentType(r *http.Request, want string) error {
	given := r.Header.Values("Content-Type")
	if len(given) != 1 || !isMedia(given[0], want) {
		return &Error{Status: http.StatusUnsupportedMediaType, Code: "invalid_request", Description: "the content type must be " + want}
	}
	return nil
}

// isMedia tells whether a header's value is a media type, whatever its parameters.
func isMedia(value, want string) bool {
	if value == want { // what nearly everybody sends
		return true
	}
	got, _, err := mime.ParseMediaType(value)
	return err == nil && got == want
}

func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return nil, &Error{Status: http.StatusRequestEntityTooLarge, Code: "invalid_request", Description: "the body is over 64 KiB"}
	}
	if err != nil {
		return nil, BadRequest("the body can't be read")
	}
	return body, nil
}
