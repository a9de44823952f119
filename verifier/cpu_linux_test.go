package verifier_test

import (
	"syscall"
	"time"
	"unsafe"
)

// threadCPU is the CPU time that this thread has used: what else runs on the
// machine takes turns with it, and isn't counted. Callers lock their goroutine to
// the thread. getrusage won't do: it moves at the tick of the scheduler.
func threadCPU() time.Duration {
	const threadCPUTime = 3 // CLOCK_THREAD_CPUTIME_ID
	var at syscall.Timespec
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, threadCPUTime, uintptr(unsafe.Pointer(&at)), 0); errno != 0 {
		panic(errno)
	}
	return time.Duration(at.Nano())
}
