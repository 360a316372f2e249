package rfm

import "fmt"

// A FieldError says what is wrong with one field of a [Config] or of a class
// table. Every error of this package is one, for errors.As.
type FieldError struct {
	Field   string // Field is a path such as "Recency.Bins" or "Classes[2].R".
	Problem string // Problem completes the sentence that begins with Field.
}

// Error returns the sentence.
func (e *FieldError) Error() string { return "rfm: " + e.Field + " " + e.Problem }

// fieldError returns a [FieldError] with a formatted problem.
func fieldError(field, format string, args ...any) error {
	return &FieldError{Field: field, Problem: fmt.Sprintf(format, args...)}
}
