//go:build !unix

package dbtest

import (
	"context"
	"fmt"
)

// An installation is a server of our own. There is none on this system, where
// only a server that the environment names can be used.
type installation struct{}

func install(_ context.Context, p product) (*installation, error) {
	return nil, fmt.Errorf("%w: set %s to use a server of this system", ErrMissing, p.variable())
}

func (*installation) dsn() string                   { return "" }
func (*installation) kill() error                   { return ErrMissing }
func (*installation) restart(context.Context) error { return ErrMissing }
func (*installation) remove() error                 { return ErrMissing }
