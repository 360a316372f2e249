//go:build linux

package sqlite

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// A disk notes what SQLite writes to the files of one directory and what it has
// synced, and can tell what may be left of them after a power cut. The files
// themselves are real and written as always.
//
// SQLite reaches it through a VFS that passes everything on to the one for
// Unix. A file is taken to be in its directory for good when it is synced for
// the first time, which file systems do by themselves; to be gone for good when
// the directory is synced: when SQLite deletes it with that wish, or syncs a new
// journal or log for the first time.
type disk struct {
	mu     sync.Mutex
	events []event
}

// An event is something that SQLite did to a file.
type event struct {
	kind      eventKind
	file      string // the file's name in the directory
	at        int64  // where was written, or the size truncated to
	data      []byte
	directory bool // the directory was synced with it
}

type eventKind int

const (
	written eventKind = iota
	truncated
	synced
	deleted
)

func (d *disk) note(e event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, e)
}

// happened returns how many events there were.
func (d *disk) happened() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.events)
}

// syncs returns after how many events each sync or deletion came.
func (d *disk) syncs() []int {
	var all []int
	for i, e := range d.events {
		if e.kind == synced || e.kind == deleted {
			all = append(all, i)
		}
	}
	return all
}

// A survival decides what is left of something that was not synced.
type survival func() (stays, torn bool)

// left returns the files after a power cut behind the first n events: what was
// synced, and of the rest what survives.
func (d *disk) left(n int, survives survival) map[string][]byte {
	files, unsynced := make(map[string][]byte), make(map[string][]event)
	for _, e := range d.events[:n] {
		if e.kind == synced {
			for _, waiting := range unsynced[e.file] {
				waiting.happen(files)
			}
			delete(unsynced, e.file)
		} else {
			unsynced[e.file] = append(unsynced[e.file], e)
		}
		if e.directory {
			syncDirectory(files, unsynced)
		}
	}
	names := make([]string, 0, len(unsynced))
	for name := range unsynced {
		names = append(names, name)
	}
	slices.Sort(names) // for the sake of the same random numbers
	for _, name := range names {
		for _, e := range unsynced[name] {
			stays, torn := survives()
			if !stays && e.kind == deleted {
				break // what follows is in another file, whose name is not there yet
			}
			if torn && e.kind == written {
				e.data = e.data[:max(0, (e.at+int64(len(e.data))/2)/sector*sector-e.at)]
			}
			if stays {
				e.happen(files)
			}
		}
	}
	return files
}

// syncDirectory makes what was deleted be gone for good. What was written into a
// new file of the name still waits to be synced.
func syncDirectory(files map[string][]byte, unsynced map[string][]event) {
	for name, events := range unsynced {
		for i, e := range events {
			if e.kind == deleted {
				delete(files, name)
				unsynced[name] = events[i+1:]
			}
		}
	}
}

// sector is how many bytes a disk writes at once.
const sector = 512

// happen does to the files what the event says.
func (e event) happen(files map[string][]byte) {
	data := files[e.file]
	switch e.kind {
	case written:
		if missing := int(e.at) + len(e.data) - len(data); missing > 0 {
			data = append(data, make([]byte, missing)...)
		}
		copy(data[e.at:], e.data)
	case truncated:
		data = append(data, make([]byte, max(0, int(e.at)-len(data)))...)[:e.at]
	case deleted:
		delete(files, e.file)
		return
	}
	files[e.file] = data
}

// How SQLite's C interface calls a VFS and its files.
type (
	openFile     = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32
	deleteFile   = func(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32
	writeFile    = func(tls *libc.TLS, file, data uintptr, amount int32, at int64) int32
	truncateFile = func(tls *libc.TLS, file uintptr, size int64) int32
	syncFile     = func(tls *libc.TLS, file uintptr, flags int32) int32
)

// diskVFS is the name of the VFS that notes what it is told to do.
const diskVFS = "goen-disk"

// What the VFS consists of. SQLite holds the addresses of vfs and vfsName, so
// they are not in Go's heap, where checkptr would object to that.
var (
	disks     sync.Map // by directory
	openFiles sync.Map // by the address of SQLite's file
	methods   sync.Map // of files that are noted, by the address of those that they have else
	register  sync.Once

	vfsName   [len(diskVFS) + 1]byte
	vfs, unix lib.Tsqlite3_vfs

	opens     openFile     = vfsOpen
	deletes   deleteFile   = vfsDelete
	writes    writeFile    = vfsWrite
	truncates truncateFile = vfsTruncate
	syncs     syncFile     = vfsSync
)

// An openedFile is a file on a disk, and the methods it would have else.
type openedFile struct {
	*disk
	name      string
	unix      *lib.Tsqlite3_io_methods
	directory bool // its next sync syncs the directory too
}

// newDisk notes what happens in a directory to the databases opened there with
// diskVFS.
func newDisk(t *testing.T, dir string) *disk {
	t.Helper()
	register.Do(func() {
		tls := libc.NewTLS()
		defer tls.Close()
		unix = *from[lib.Tsqlite3_vfs](lib.Xsqlite3_vfs_find(tls, 0))
		vfs = unix
		copy(vfsName[:], diskVFS)
		vfs.FzName = to(&vfsName[0])
		vfs.FxOpen, vfs.FxDelete = *from[uintptr](to(&opens)), *from[uintptr](to(&deletes))
		if code := lib.Xsqlite3_vfs_register(tls, to(&vfs), 0); code != lib.SQLITE_OK {
			t.Fatalf("SQLite refuses the VFS: %d", code)
		}
	})
	d := new(disk)
	disks.Store(dir, d)
	t.Cleanup(func() { disks.Delete(dir) })
	return d
}

// from is what is at an address of SQLite's.
func from[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// to is the address of a variable that lives as long as the program.
func to[T any](variable *T) uintptr { return uintptr(unsafe.Pointer(variable)) }

// function is the function that SQLite knows by a pointer.
func function[F any](pointer uintptr) F {
	return *(*F)(unsafe.Pointer(&struct{ uintptr }{pointer}))
}

func vfsOpen(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32 {
	code := function[openFile](unix.FxOpen)(tls, vfs, name, file, flags, outFlags)
	const kinds = lib.SQLITE_OPEN_MAIN_DB | lib.SQLITE_OPEN_MAIN_JOURNAL | lib.SQLITE_OPEN_WAL
	if code != lib.SQLITE_OK || flags&kinds == 0 {
		return code
	}
	path := libc.GoString(name)
	d, ok := disks.Load(filepath.Dir(path))
	if !ok {
		return code
	}
	base := from[lib.Tsqlite3_file](file)
	openFiles.Store(file, &openedFile{
		disk: d.(*disk), name: filepath.Base(path), unix: from[lib.Tsqlite3_io_methods](base.FpMethods),
		directory: flags&lib.SQLITE_OPEN_CREATE != 0 && flags&(lib.SQLITE_OPEN_MAIN_JOURNAL|lib.SQLITE_OPEN_WAL) != 0,
	})
	base.FpMethods = noted(tls, base.FpMethods)
	return code
}

// noted are a file's methods with those replaced that are noted.
func noted(tls *libc.TLS, unix uintptr) uintptr {
	if known, ok := methods.Load(unix); ok {
		return known.(uintptr)
	}
	own := *from[lib.Tsqlite3_io_methods](unix)
	own.FxWrite = *from[uintptr](to(&writes))
	own.FxTruncate = *from[uintptr](to(&truncates))
	own.FxSync = *from[uintptr](to(&syncs))
	address := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(own))) // for as long as the program runs
	*from[lib.Tsqlite3_io_methods](address) = own
	known, _ := methods.LoadOrStore(unix, address)
	return known.(uintptr)
}

func vfsDelete(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32 {
	code := function[deleteFile](unix.FxDelete)(tls, vfs, name, syncDir)
	path := libc.GoString(name)
	if d, ok := disks.Load(filepath.Dir(path)); ok && code == lib.SQLITE_OK {
		d.(*disk).note(event{kind: deleted, file: filepath.Base(path), directory: syncDir != 0})
	}
	return code
}

// opened is the file that SQLite knows by an address. Only those that are have
// the methods below.
func opened(file uintptr) *openedFile {
	f, _ := openFiles.Load(file)
	return f.(*openedFile)
}

// noteIf notes what was done to the file unless it has failed.
func (f *openedFile) noteIf(code int32, e event) int32 {
	if code == lib.SQLITE_OK {
		e.file = f.name
		f.note(e)
	}
	return code
}

func vfsWrite(tls *libc.TLS, file, data uintptr, amount int32, at int64) int32 {
	f := opened(file)
	code := function[writeFile](f.unix.FxWrite)(tls, file, data, amount, at)
	return f.noteIf(code, event{kind: written, at: at, data: slices.Clone(unsafe.Slice(from[byte](data), amount))})
}

func vfsTruncate(tls *libc.TLS, file uintptr, size int64) int32 {
	f := opened(file)
	return f.noteIf(function[truncateFile](f.unix.FxTruncate)(tls, file, size), event{kind: truncated, at: size})
}

func vfsSync(tls *libc.TLS, file uintptr, flags int32) int32 {
	f := opened(file)
	code := function[syncFile](f.unix.FxSync)(tls, file, flags)
	directory := f.directory
	f.directory = false
	return f.noteIf(code, event{kind: synced, directory: directory})
}

// Nothing that was not synced stays.
func nothing() (stays, torn bool) { return false, false }

// Everything stays, as it does when only the process dies.
func everything() (stays, torn bool) { return true, false }

// some of it stays, and some of that is torn.
func some(random *rand.Rand) survival {
	return func() (stays, torn bool) { return random.IntN(2) == 0, random.IntN(4) == 0 }
}
