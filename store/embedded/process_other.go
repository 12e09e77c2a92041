//go:build unix && !linux

package embedded

import "syscall"

// dieWithParent does nothing here: the pipe is what ends the server.
func dieWithParent(*syscall.SysProcAttr) {}

// servesFolder reports whether the process pid lives; whether it is a server cannot be told here.
func servesFolder(pid int, _ folder) bool { return syscall.Kill(pid, 0) == nil }
