package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/goen-crm/crm"
)

// A shop is what the file of shops says of one.
type shop struct {
	ID        string         `json:"id"`
	KeyEnv    string         `json:"key_env"` // the environment variable that holds the key to its door
	Settings  crm.Settings   `json:"settings"`
	Ladder    *crm.Ladder    `json:"ladder"`
	Templates []crm.Template `json:"templates"`
	Journeys  []crm.Journey  `json:"journeys"`
}

// readShops reads the file of shops. What it does not know is an error.
func readShops(path string) ([]shop, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var file struct {
		Shops []shop `json:"shops"`
	}
	decoder := json.NewDecoder(f)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: something follows the JSON", path)
	}
	if len(file.Shops) == 0 {
		return nil, fmt.Errorf("%s: no shops", path)
	}
	return file.Shops, nil
}

// publish makes the shop known and its definitions valid. Those that are equal
// to what was published before change nothing.
func (s shop) publish(ctx context.Context, to *crm.Shop) error {
	if err := to.Configure(ctx, s.Settings); err != nil {
		return fmt.Errorf("shop %q: %w", s.ID, err)
	}
	if s.Ladder != nil {
		if err := to.SetLadder(ctx, *s.Ladder); err != nil {
			return fmt.Errorf("shop %q: %w", s.ID, err)
		}
	}
	for _, t := range s.Templates {
		if _, err := to.PublishTemplate(ctx, t); err != nil {
			return fmt.Errorf("shop %q: %w", s.ID, err)
		}
	}
	for _, j := range s.Journeys {
		if _, err := to.Publish(ctx, j); err != nil {
			return fmt.Errorf("shop %q: %w", s.ID, err)
		}
	}
	return nil
}

// keyring holds a digest of each shop's key.
type keyring map[string][sha256.Size]byte

// minKey is how long a key is at least.
const minKey = 20

// readKeys reads the shops' keys from the environment.
func readKeys(shops []shop, getenv func(string) string) (keyring, error) {
	keys, seen := keyring{}, map[string]bool{}
	for _, s := range shops {
		key := getenv(s.KeyEnv)
		switch {
		case len(key) < minKey:
			return nil, fmt.Errorf("shop %q: its key, the environment variable %q, has less than %d characters", s.ID, s.KeyEnv, minKey)
		case seen[key]:
			return nil, fmt.Errorf("shop %q: its key is another shop's, too", s.ID)
		}
		seen[key] = true
		if _, ok := keys[s.ID]; ok {
			return nil, fmt.Errorf("shop %q is there twice", s.ID)
		}
		keys[s.ID] = sha256.Sum256([]byte(key))
	}
	return keys, nil
}
