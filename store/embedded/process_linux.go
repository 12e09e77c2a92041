package embedded

import (
	"fmt"
	"os"
	"syscall"
)

// dieWithParent makes the kernel tell the server to shut down fast when its supervisor dies, however that happens.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }

// servesFolder reports whether the process pid lives and works in the data folder, as a server does.
func servesFolder(pid int, place folder) bool {
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	return err == nil && cwd == place.data()
}
