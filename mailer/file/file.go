// Package file writes mails into a directory instead of sending them: for
// development, for a test that wants to look, or for another program that
// picks them up.
package file

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/internal/rfc5322"
)

var (
	_ mailer.Composer = (*Mailer)(nil)
	_ mailer.Marker   = (*Mailer)(nil)
)

// A Mailer writes each message to a file of its own. It is safe for concurrent
// use, also by several processes on one directory.
type Mailer struct{ dir string }

// New returns a mailer that writes into dir, which is made, readable for its
// owner only, if there is none.
func New(dir string) (*Mailer, error) {
	if dir == "" {
		return nil, errors.New("mailer/file: no directory given")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("mailer/file: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("mailer/file: %w", err)
	}
	return &Mailer{dir: dir}, nil
}

// Path returns the file that the message with a Message-ID is written to. Its
// name is the ID with ".eml" behind it; an ID that would make no safe name on
// every system is mangled and gets a hash. Different IDs have different files.
func (m *Mailer) Path(id string) string {
	return filepath.Join(m.dir, fileName(id)+".eml")
}

// MarksStart makes m a mailer.Marker.
func (m *Mailer) MarksStart() {}

// Compose returns msg as RFC 5322 bytes, as package mailer/smtp does.
func (m *Mailer) Compose(msg *mailer.Message) ([]byte, error) {
	return rfc5322.Compose(msg)
}

// Send writes msg.Raw, or what Compose makes of msg if Raw is nil, to the file
// that Path tells, whole or not at all, and durably. If the file is there the
// message has been delivered and Send returns nil without calling Started:
// sending twice makes one mail. The file is readable for its owner only.
//
// An error is permanent if msg cannot be composed and temporary if it could
// not be written; it is neither if only the directory could not be synced
// after the file had got its name.
func (m *Mailer) Send(ctx context.Context, msg *mailer.Message) error {
	if msg.ID == "" {
		return mailer.Permanent(fmt.Errorf("%w: ID must be set", mailer.ErrInvalid))
	}
	raw := msg.Raw
	if raw == nil {
		var err error
		if raw, err = m.Compose(msg); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return mailer.Temporary(context.Cause(ctx))
	}
	path := m.Path(msg.ID)
	switch _, err := os.Lstat(path); {
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return mailer.Temporary(err)
	}
	return m.deliver(ctx, msg, path, raw)
}

// deliver writes raw to a temporary file and gives it its name.
func (m *Mailer) deliver(ctx context.Context, msg *mailer.Message, path string, raw []byte) error {
	temp, err := m.write(raw)
	if err != nil {
		return mailer.Temporary(err)
	}
	defer func() { _ = os.Remove(temp) }() // It is gone already if all went well.
	if err := msg.Started(ctx); err != nil {
		return mailer.Temporary(err)
	}
	if ctx.Err() != nil {
		return mailer.Temporary(context.Cause(ctx))
	}
	if err := os.Rename(temp, path); err != nil {
		return mailer.Temporary(err)
	}
	if err := syncDir(m.dir); err != nil {
		return fmt.Errorf("mailer/file: sync directory: %w", err)
	}
	return nil
}

// write returns the name of a new file that durably holds raw.
func (m *Mailer) write(raw []byte) (name string, err error) {
	f, err := os.CreateTemp(m.dir, ".mail-*.tmp")
	if err != nil {
		return "", err
	}
	_, err = f.Write(raw)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// maxPlain is how long a Message-ID may be to be a file's name as it is; file
// systems stop at 255 bytes.
const maxPlain = 128

// fileName returns a name without directories for a Message-ID. Upper case is
// not plain, since there are file systems that do not tell it from lower case.
func fileName(id string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("@.-_+=", r)
	}
	safe := strings.Map(func(r rune) rune {
		if plain(r) {
			return r
		}
		return '_'
	}, id)
	if safe == id && len(id) <= maxPlain && id[0] != '.' {
		return id
	}
	// No plain name holds a tilde, so no ID can be made to look like this one.
	hash := sha256.Sum256([]byte(id))
	return strings.TrimLeft(safe[:min(len(safe), maxPlain)], ".") + "~" + hex.EncodeToString(hash[:16])
}
