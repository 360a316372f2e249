package main

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"time"
)

// chance returns a number from 0 to n-1 that looks drawn at random but is a
// hash of its keys: the same keys give the same number on every run and every
// machine.
func chance(n int, keys ...string) int {
	sum := sha256.Sum256([]byte(strings.Join(keys, "\n")))
	return int(binary.BigEndian.Uint64(sum[:8]) % uint64(n))
}

// between returns a span from low to high, in whole minutes, by chance.
func between(low, high time.Duration, keys ...string) time.Duration {
	return low + time.Duration(chance(int((high-low)/time.Minute)+1, keys...))*time.Minute
}

// pick returns one of list by chance.
func pick[T any](list []T, keys ...string) T { return list[chance(len(list), keys...)] }
