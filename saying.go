package crm

import (
	"bytes"
	"encoding/json"
	"iter"
	"slices"
)

// A saying is what one fact said of a customer's fields, but for what a later
// fact has said since. To keep it by fact, and not each field with its stamp,
// takes a sixth off a member's document.
type saying struct {
	At     stamp                      `json:"at"`
	Values map[string]json.RawMessage `json:"v,omitempty"` // by field
}

// sayings are in order of stamp. No field is in two of them, and none is empty.
type sayings []*saying

// find returns the saying that a field is in, nil if there is none.
func (s sayings) find(field string) *saying {
	for _, said := range s {
		if _, ok := said.Values[field]; ok {
			return said
		}
	}
	return nil
}

// say takes over a field's value, unless what is known of it is as late.
func (s *sayings) say(field string, value json.RawMessage, at stamp) {
	if old := s.find(field); old != nil {
		if !at.after(old.At) {
			return
		}
		if delete(old.Values, field); len(old.Values) == 0 {
			*s = slices.DeleteFunc(*s, func(said *saying) bool { return said == old })
		}
	}
	i, found := slices.BinarySearchFunc(*s, at, func(said *saying, at stamp) int { return said.At.compare(at) })
	if !found {
		*s = slices.Insert(*s, i, &saying{At: at})
	}
	put(&(*s)[i].Values, field, value)
}

// get reads a field's value into v, a pointer, and reports whether it could.
func (s sayings) get(field string, v any) bool {
	said := s.find(field)
	return said != nil && readValue(said.Values[field], v)
}

// all goes through the fields in no order.
func (s sayings) all() iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for _, said := range s {
			for field, value := range said.Values {
				if !yield(field, value) {
					return
				}
			}
		}
	}
}

// readValue decodes a value into v, a pointer, and reports whether it could.
// Most are plain strings, which are quick to read.
func readValue(value json.RawMessage, v any) bool {
	if text, ok := v.(*string); ok && len(value) >= 2 && value[0] == '"' && !bytes.ContainsAny(value, `\`) {
		*text = string(value[1 : len(value)-1])
		return true
	}
	return json.Unmarshal(value, v) == nil
}
