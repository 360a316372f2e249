package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/goen-crm/crm"
)

// A refusal is the answer to a request that is not done.
type refusal struct {
	status   int
	Message  string    `json:"error"`
	Problems []problem `json:"problems,omitempty"`
}

// A problem is what is wrong with one fact. It names fields as the JSON does,
// and never holds their content.
type problem struct {
	Index   int    `json:"index"`           // the fact's place in the request, from 0
	ID      string `json:"id,omitempty"`    // the fact's id
	Field   string `json:"field,omitempty"` // such as data.lines[2].quantity
	Problem string `json:"problem"`         // completes the sentence that begins with the field
}

// Error returns the message.
func (r *refusal) Error() string { return r.Message }

// refused refuses facts.
func refused(status int, problems ...problem) *refusal {
	return &refusal{status: status, Message: "nothing was recorded", Problems: problems}
}

// refusalOf says how a request ends that came to an error.
func refusalOf(err error) *refusal {
	var already *refusal
	var tooLong *http.MaxBytesError
	var batch *crm.BatchError
	switch {
	case errors.As(err, &already):
		return already
	case errors.As(err, &tooLong):
		return &refusal{status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("the body is longer than %d bytes", tooLong.Limit)}
	case errors.As(err, &batch):
		status := http.StatusUnprocessableEntity
		if errors.Is(err, crm.ErrConflict) {
			status = http.StatusConflict
		}
		return refused(status, newProblem(batch.Index, batch.ID, batch.Err))
	default:
		return &refusal{status: http.StatusServiceUnavailable, Message: "nothing is known to be recorded: try again later with the same facts"}
	}
}

// newProblem says what is wrong with a fact.
func newProblem(index int, id string, err error) problem {
	p := problem{Index: index, ID: id}
	var field *crm.FieldError
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.Is(err, crm.ErrConflict):
		p.Field, p.Problem = "id", "is on record with other content"
	case errors.As(err, &field):
		p.Field, p.Problem = jsonField(field.Field), strings.TrimPrefix(field.Error(), "crm: "+field.Field+" ")
	case errors.As(err, &wrongType):
		p.Field, p.Problem = wrongField(wrongType.Field), "must be "+kindOf(wrongType.Type)
		if errors.Unwrap(err) != nil { // it came from reading data
			p.Field = strings.TrimSuffix("data."+p.Field, ".")
		}
	default:
		p.Problem = "a time is not written as 2026-04-01T10:00:00+09:00"
	}
	return p
}

// wrongField is the path of a field as encoding/json gives it, without the
// names of Go's embedded types.
func wrongField(path string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(path, "."), func(name string) bool {
		return strings.ToLower(name) != name
	}), ".")
}

// kindOf names what is expected in JSON.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "an array"
	case reflect.Int, reflect.Int64:
		return "a whole number, without a decimal point"
	default:
		return "an object"
	}
}

// jsonField returns the name that a field of a fact has in JSON:
// data.lines[2].quantity for Order.Lines[2].Quantity.
func jsonField(path string) string {
	switch path {
	case "ID", "Type", "Time", "Customer", "Email":
		return strings.ToLower(path)
	case "Body":
		return "data"
	}
	for _, body := range []string{"Customer.", "Consent.", "Cart.", "Order."} {
		if rest, ok := strings.CutPrefix(path, body); ok {
			path = rest
			break
		}
	}
	name, key, quoted := strings.Cut(path, `["`) // an attribute's name stays as it is
	var b strings.Builder
	before := ' '
	for _, r := range name {
		if unicode.IsUpper(r) && unicode.IsLower(before) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
		before = r
	}
	if quoted {
		b.WriteString(`["` + key)
	}
	return "data." + b.String()
}
