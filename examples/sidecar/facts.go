package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/goen-crm/crm"
)

// readFacts reads one fact or an array of them. The error is a *refusal that
// names every fact with something wrong in it.
func readFacts(body io.Reader) ([]crm.Fact, error) {
	content, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	list, err := split(content)
	if err != nil {
		return nil, err
	}
	facts := make([]crm.Fact, len(list))
	var problems []problem
	for i, one := range list {
		f := &facts[i]
		err := f.UnmarshalJSON(one)
		if err == nil {
			err = f.Validate()
		}
		if err != nil {
			problems = append(problems, newProblem(i, idOf(one), err))
		}
	}
	if len(problems) > 0 {
		return nil, refused(http.StatusUnprocessableEntity, problems...)
	}
	return facts, nil
}

// split returns the JSON of each fact.
func split(content []byte) ([]json.RawMessage, error) {
	if !json.Valid(content) {
		return nil, &refusal{status: http.StatusBadRequest, Message: "the body is no JSON"}
	}
	if !bytes.HasPrefix(bytes.TrimSpace(content), []byte("[")) {
		return []json.RawMessage{content}, nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(content, &list); err != nil {
		return nil, err
	}
	if len(list) > maxFacts {
		return nil, &refusal{status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("the body has more than %d facts", maxFacts)}
	}
	return list, nil
}

// idOf returns the id of a fact that may have anything wrong with it, or "".
func idOf(one []byte) string {
	var f struct {
		ID any `json:"id"`
	}
	_ = json.Unmarshal(one, &f) // what is wrong was said already
	id, _ := f.ID.(string)
	return id
}
