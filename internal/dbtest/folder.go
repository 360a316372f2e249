package dbtest

import (
	"crypto/rand"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

// A folder holds a server's data, settings, log and socket.
type folder struct {
	root     string
	uid, gid int // who the server runs as; -1: as we do
	programs programs
	password string
}

// newFolder makes a temporary folder that is the server's alone. If we are
// root, it belongs to a system user, because servers refuse to run as root.
func newFolder(p product, found programs) (*folder, error) {
	parent := os.TempDir()
	if len(parent) > 60 { // the path of a socket is 100 bytes at most
		parent = "/tmp"
	}
	root, err := os.MkdirTemp(parent, "goen-db-")
	if err != nil {
		return nil, err
	}
	f := &folder{root: root, uid: -1, gid: -1, programs: found, password: rand.Text()}
	if os.Getuid() == 0 {
		f.uid, f.gid, err = account(p.accounts())
	}
	if err == nil {
		err = os.Chown(root, f.uid, f.gid)
	}
	if err != nil {
		_ = os.RemoveAll(root)
		return nil, err
	}
	return f, nil
}

// account returns the ids of the first of the named system users that there is.
func account(names []string) (uid, gid int, err error) {
	var u *user.User
	for _, name := range names {
		if u, err = user.Lookup(name); err == nil {
			break
		}
	}
	if err != nil {
		return 0, 0, err
	}
	if uid, err = strconv.Atoi(u.Uid); err == nil {
		gid, err = strconv.Atoi(u.Gid)
	}
	return uid, gid, err
}

func (f *folder) path(name string) string { return filepath.Join(f.root, name) }

// write writes a file that the server alone may read.
func (f *folder) write(name, content string) error {
	if err := os.WriteFile(f.path(name), []byte(content), 0o600); err != nil {
		return err
	}
	return os.Chown(f.path(name), f.uid, f.gid)
}
