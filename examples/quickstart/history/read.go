package history

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// ErrTooLarge says that the text is longer than [Read] takes.
var ErrTooLarge = errors.New("history: more than 128 MiB of text")

// maxBytes limits the unzipped text. The whole data set has 45 MB.
const maxBytes = 128 << 20

// A LineError says what is wrong with one line of the file.
type LineError struct {
	Line int // Line counts from 1, the header.
	Err  error
}

// Error names the line and the problem.
func (e *LineError) Error() string { return fmt.Sprintf("history: line %d: %v", e.Line, e.Err) }

// Unwrap returns the problem.
func (e *LineError) Unwrap() error { return e.Err }

// Read reads a history from CSV, plain or gzipped, with a header that names
// InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice,
// CustomerID and Country, in any order and among others. Lines may come in any
// order. The times in the file carry no zone and are taken as the shop's local
// time in loc; nil is UTC.
//
// An error about one line is a [LineError]; too long a text gives [ErrTooLarge].
// With an error there is no history.
func Read(r io.Reader, loc *time.Location) (*History, error) {
	return read(r, loc, maxBytes)
}

// read is [Read] with a limit of its own.
func read(r io.Reader, loc *time.Location, limit int64) (*History, error) {
	if loc == nil {
		loc = time.UTC
	}
	text, err := unzip(r)
	if err != nil {
		return nil, err
	}
	in := csv.NewReader(&limitedReader{r: text, left: limit})
	in.ReuseRecord = true
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		err = &LineError{1, errors.New("there is no header")}
	}
	if err != nil {
		return nil, readError(in, err)
	}
	columns, err := newColumns(header)
	if err != nil {
		return nil, &LineError{1, err}
	}
	b := newBook()
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return b.history(), nil
		}
		if err != nil {
			return nil, readError(in, err)
		}
		e, err := columns.entry(record, loc)
		if err == nil {
			err = b.add(e)
		}
		if err != nil {
			line, _ := in.FieldPos(0)
			return nil, &LineError{line, err}
		}
	}
}

// readError returns the error of the CSV reader with its line, where it has one.
func readError(in *csv.Reader, err error) error {
	var syntax *csv.ParseError
	var line *LineError
	switch {
	case errors.As(err, &syntax):
		return &LineError{syntax.Line, syntax.Err}
	case errors.As(err, &line), errors.Is(err, ErrTooLarge):
		return err
	default:
		return fmt.Errorf("history: after %d bytes: %w", in.InputOffset(), err)
	}
}

// unzip returns the text of r, which begins with gzip's magic bytes if it is
// zipped.
func unzip(r io.Reader) (io.Reader, error) {
	buffered := bufio.NewReader(r)
	magic, err := buffered.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("history: %w", err)
	}
	if string(magic) != "\x1f\x8b" {
		return buffered, nil
	}
	zipped, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	return zipped, nil
}

// A limitedReader fails with [ErrTooLarge] where [io.LimitedReader] would
// pretend that the text ends.
type limitedReader struct {
	r    io.Reader
	left int64
}

// Read implements [io.Reader].
func (l *limitedReader) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if int64(n) > l.left {
		return 0, ErrTooLarge
	}
	l.left -= int64(n)
	return n, err
}

// columns are the places of the fields in a record.
type columns struct {
	invoice, code, description, quantity, date, price, customer, country int
}

// newColumns finds the fields in the header.
func newColumns(header []string) (columns, error) {
	places := make(map[string]int, len(header))
	for i, name := range header {
		places[strings.TrimPrefix(name, "\ufeff")] = i
	}
	var c columns
	for _, f := range []struct {
		name  string
		place *int
	}{
		{"InvoiceNo", &c.invoice},
		{"StockCode", &c.code},
		{"Description", &c.description},
		{"Quantity", &c.quantity},
		{"InvoiceDate", &c.date},
		{"UnitPrice", &c.price},
		{"CustomerID", &c.customer},
		{"Country", &c.country},
	} {
		place, ok := places[f.name]
		if !ok {
			return columns{}, fmt.Errorf("there is no column %s", f.name)
		}
		*f.place = place
	}
	return c, nil
}
