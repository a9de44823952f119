package servers

import "syscall"

// dieWithParent has the kernel kill the process when the test binary is gone,
// however it went. Go sets it after the change of user, which would clear it.
func dieWithParent(attr *syscall.SysProcAttr) {
	if attr.Pdeathsig == 0 {
		attr.Pdeathsig = syscall.SIGKILL
	}
}

// deathSignal asks for another signal than SIGKILL at the parent's death.
func deathSignal(attr *syscall.SysProcAttr, sig syscall.Signal) { attr.Pdeathsig = sig }
