package mutant

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// overlay writes the changed source into a directory, and beside it the file
// that makes the go command read it instead of the original. It returns the
// latter's path.
func (m Mutant) overlay(dir string) (string, error) {
	original, err := filepath.Abs(filepath.FromSlash(m.File))
	if err != nil {
		return "", err
	}
	source, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	changed, err := m.change(string(source))
	if err != nil {
		return "", err
	}
	file, overlay := filepath.Join(dir, filepath.Base(original)), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {original: file}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		return "", err
	}
	return overlay, os.WriteFile(overlay, replace, 0o600)
}

// change makes the swaps. A text that is not there any more, or that has become
// ambiguous, is refused: the mutant would be another than its name says.
func (m Mutant) change(source string) (string, error) {
	for _, swap := range m.Swaps {
		if n := strings.Count(source, swap[0]); n != 1 {
			return "", fmt.Errorf("%s holds %d times, want once, what the mutant replaces: bring the mutant up to date\n%s", m.File, n, swap[0])
		}
		source = strings.Replace(source, swap[0], swap[1], 1)
	}
	return source, nil
}
