package redis

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"

	"github.com/signet-oidc/signet/issuer/session"
)

// benchWaiting is how many requests wait at once, as behind 64 connections.
const benchWaiting = 64

// BenchmarkRotate measures a refresh's part of Redis beside the floor, a script of
// one INCR called by the bare driver: rotations a second, CPU of Redis and of
// this process each.
func BenchmarkRotate(b *testing.B) {
	s, server := single(b)
	states := make([]session.State, benchWaiting)
	for i := range states {
		states[i] = begun(b, s, start)
	}
	b.Run("rotate", func(b *testing.B) {
		next := make([]uint32, benchWaiting)
		for i := range states {
			got, err := s.Look(b.Context(), states[i].Session)
			if err != nil {
				b.Fatal(err)
			}
			next[i] = got.Generation
		}
		measure(b, server.Pid(), func(worker int) error {
			got, err := s.Rotate(b.Context(), rotation(states[worker], next[worker], start))
			next[worker] = got.State.Generation
			return err
		})
	})
	b.Run("floor", func(b *testing.B) {
		incr := driver.NewScript("return redis.call('INCR', KEYS[1])")
		measure(b, server.Pid(), func(worker int) error {
			return incr.Run(b.Context(), s.client, []string{"floor:" + strconv.Itoa(worker)}, start.UnixMilli()).Err()
		})
	})
}

// measure has benchWaiting workers call f until it was called b.N times.
func measure(b *testing.B, pid int, f func(worker int) error) {
	b.ReportAllocs()
	redis, own := cpuOf(b, pid), ownCPU(b)
	b.ResetTimer()
	var all sync.WaitGroup
	for worker := range benchWaiting {
		all.Go(func() {
			for i := worker; i < b.N; i += benchWaiting {
				if err := f(worker); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
	b.ReportMetric(float64((cpuOf(b, pid)-redis).Nanoseconds())/float64(b.N)/1000, "redis-µs/op")
	b.ReportMetric(float64((ownCPU(b)-own).Nanoseconds())/float64(b.N)/1000, "own-µs/op")
}

// cpuOf is the CPU time that a process has used, in steps of 10 ms.
func cpuOf(b *testing.B, pid int) time.Duration {
	b.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // proc(5): utime and stime are fields 14 and 15
	fields := strings.Fields(rest)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
