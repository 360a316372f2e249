package failure_test

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/goen-crm/crm/internal/dbtest"
)

// A disk is a small file system in memory.
type disk struct {
	*testing.T
	dir string
}

const diskSize = 32 << 20

// mount makes a disk that belongs to the owner of a file. Where this process
// may not, the test is skipped.
func mount(t *testing.T, dir, like string) *disk {
	t.Helper()
	var owner syscall.Stat_t
	if err := syscall.Stat(like, &owner); err != nil {
		t.Skip("not on this machine: ", err)
	}
	options := fmt.Sprintf("size=%d,mode=0700,uid=%d,gid=%d", diskSize, owner.Uid, owner.Gid)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skip("mounting a small disk takes root: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return &disk{t, dir}
}

// fill leaves no room.
func (d *disk) fill() {
	d.Helper()
	f, err := os.Create(d.ballast())
	if err != nil {
		d.Fatal(err)
	}
	defer f.Close()
	zeros := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(zeros)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.Fatal(err)
	}
}

// free makes room again.
func (d *disk) free() {
	if err := os.Remove(d.ballast()); err != nil {
		d.Error(err)
	}
}

func (d *disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// A server whose disk is full.
func TestServersDiskFull(t *testing.T) {
	slow(t)
	for _, c := range []struct {
		engine
		// folder asks for the server's data.
		folder string
		// place puts the tables that are made from now on onto a disk.
		place func(t *testing.T, db *sql.DB, data, database string) *disk
	}{
		{onPostgreSQL, "SHOW data_directory", func(t *testing.T, db *sql.DB, data, database string) *disk {
			dir := filepath.Join("/tmp", "goen-disk-"+rand.Text()) // the server must get there
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Remove(dir) })
			d := mount(t, dir, data)
			execute(t, db, "CREATE TABLESPACE small LOCATION '"+dir+"'")
			execute(t, db, "ALTER DATABASE "+database+" SET default_tablespace = small")
			return d
		}},
		{onMariaDB, "SELECT @@datadir", func(t *testing.T, _ *sql.DB, data, database string) *disk {
			return mount(t, filepath.Join(data, database), data)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server, err := c.start(t.Context())
			dbtest.Need(t, err)
			t.Cleanup(func() { server.Stop() })
			dsn := newDatabase(t, server)
			db := c.host(t, dsn)
			var data, database string
			if err := db.QueryRowContext(t.Context(), c.folder).Scan(&data); err != nil {
				t.Fatal(err)
			}
			name := map[string]string{"pgx": "SELECT current_database()", "mysql": "SELECT DATABASE()"}[c.driver]
			if err := db.QueryRowContext(t.Context(), name).Scan(&database); err != nil {
				t.Fatal(err)
			}
			d := c.place(t, db, data, database)
			t.Cleanup(func() { server.Stop() }) // before its disk goes
			w := foundAt(t, c.engine, dsn)
			w.fillUp(w.process(setup{}), d.fill, d.free)
		})
	}
}

func execute(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
