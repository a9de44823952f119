package redis

import (
	"fmt"
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

// benchWaiting are how many requests wait at once, as behind so many connections.
var benchWaiting = []int{1, 8, 64}

// BenchmarkRotate measures a refresh's part of Redis: CPU of Redis and of this
// process for each, and rotations a second. Beside it stand the same with each
// call by itself, through the driver's own AutoPipeline, and the floor, a script
// of one INCR called by the bare driver.
func BenchmarkRotate(b *testing.B) {
	together, server := single(b)
	alone := open(b, server.URL)
	alone.together = nil
	auto := open(b, server.URL)
	auto.together = nil
	client, is := auto.client.(*driver.Client)
	if !is {
		b.Fatalf("a client of type %T", auto.client)
	}
	pipeline, err := client.AutoPipeline()
	if err != nil {
		b.Fatal(err)
	}
	auto.client = pipeline
	incr := driver.NewScript("return redis.call('INCR', KEYS[1])")
	for _, waiting := range benchWaiting {
		for name, s := range map[string]*Store{"rotate": together, "alone": alone, "auto": auto} {
			b.Run(fmt.Sprintf("%s/%d", name, waiting), func(b *testing.B) { benchRotate(b, s, server.Pid(), waiting) })
		}
		b.Run(fmt.Sprintf("floor/%d", waiting), func(b *testing.B) {
			measure(b, server.Pid(), waiting, func(worker int) error {
				return incr.Run(b.Context(), alone.client, []string{"floor:" + strconv.Itoa(worker)}, start.UnixMilli()).Err()
			})
		})
	}
}

// benchRotate has each worker rotate a session of its own.
func benchRotate(b *testing.B, s *Store, pid, waiting int) {
	states, next := make([]session.State, waiting), make([]uint32, waiting)
	for i := range states {
		states[i] = begun(b, s, start)
		next[i] = states[i].Generation
	}
	measure(b, pid, waiting, func(worker int) error {
		got, err := s.Rotate(b.Context(), rotation(states[worker], next[worker], start))
		next[worker] = got.State.Generation
		return err
	})
}

// measure has as many workers as wait call f until it was called b.N times.
func measure(b *testing.B, pid, waiting int, f func(worker int) error) {
	b.ReportAllocs()
	redis, own := cpuOf(b, pid), ownCPU(b)
	b.ResetTimer()
	var all sync.WaitGroup
	for worker := range waiting {
		all.Go(func() {
			for i := worker; i < b.N; i += waiting {
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
