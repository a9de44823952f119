package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc/<pid>/stat: USER_HZ is 100 on all of Linux's
// architectures that matter.
const tick = 10 * time.Millisecond

// cpuOf reads the CPU time, user and system, that each process has used, children
// not counted. It needs Linux's /proc.
func cpuOf(pids []int) ([]time.Duration, error) {
	var all []time.Duration
	for _, pid := range pids {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			return nil, err
		}
		used, err := parseStat(string(stat))
		if err != nil {
			return nil, fmt.Errorf("process %d: %w", pid, err)
		}
		all = append(all, used)
	}
	return all, nil
}

// parseStat reads utime and stime, fields 14 and 15 by proc(5). The name, the
// second field, may hold spaces and parentheses.
func parseStat(stat string) (time.Duration, error) {
	end := strings.LastIndexByte(stat, ')')
	fields := strings.Fields(stat[end+1:]) // begins with field 3
	if end < 0 || len(fields) < 13 {
		return 0, fmt.Errorf("unreadable stat %.80q", stat)
	}
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("unreadable stat: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}
