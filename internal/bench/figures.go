package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// A figure is one line of a result.
type figure struct {
	name  string
	value any // a string, an int or a float64
}

// Figures are a result, in the order in which they are shown.
type figures []figure

// MarshalJSON gives one object with the figures' names as keys.
func (f figures) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, figure := range f {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(rounded(figure.value))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%q:%s", figure.name, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// String shows one figure a line.
func (f figures) String() string {
	var b strings.Builder
	for _, figure := range f {
		fmt.Fprintf(&b, "%-26s %v\n", strings.ReplaceAll(figure.name, "_", " "), rounded(figure.value))
	}
	return b.String()
}

// rounded leaves a measured number the three or more digits that mean something.
func rounded(value any) any {
	v, ok := value.(float64)
	switch {
	case !ok:
		return value
	case math.IsNaN(v) || math.IsInf(v, 0):
		return nil
	case math.Abs(v) >= 100:
		return math.Round(v)
	}
	return math.Round(v*1000) / 1000
}
