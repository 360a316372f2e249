package main

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
)

// iterations is what OWASP advises for PBKDF2 with SHA-256.
const iterations = 600_000

// hashPassword returns what is kept of a password: salt and derived key.
func hashPassword(password string) (string, error) {
	return derive(password, rand.Text())
}

// samePassword reports whether a password is the one that a hash was made of.
// It takes as long for no hash at all, so that nobody learns who has an account.
func samePassword(password, hash string) (bool, error) {
	salt, _, _ := strings.Cut(hash, "$")
	derived, err := derive(password, salt)
	return err == nil && subtle.ConstantTimeCompare([]byte(derived), []byte(hash)) == 1, err
}

func derive(password, salt string) (string, error) {
	key, err := pbkdf2.Key(sha256.New, password, []byte(salt), iterations, 32)
	return salt + "$" + hex.EncodeToString(key), err
}
