package main

import "syscall"

// memoryFolder is a folder in memory with room for the database, "" if there is
// none. The year takes 10,000 synced commits, which a shop spreads over a year
// and a slow disk over a minute. Killing a process loses nothing in either; for
// a database on disk there is -db.
func memoryFolder() string {
	const folder, tmpfs, room = "/dev/shm", 0x01021994, 256 << 20
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil || fs.Type != tmpfs || fs.Bavail*uint64(fs.Bsize) < room {
		return ""
	}
	return folder
}
