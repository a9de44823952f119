package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	driver "github.com/redis/go-redis/v9"
)

// oldest is the first major version of Redis whose commands all exist here.
const oldest = 7

// Advice tells, for the log at the start, what of the server's configuration
// will cost users their sessions: a sentence each, with how to mend it. Nothing
// of it stops Signet from working, and what a server doesn't tell (INFO or CONFIG
// forbidden, or not reachable) isn't advised on.
func (s *Store) Advice(ctx context.Context) []string {
	var (
		mu  sync.Mutex // guards all
		all []string
	)
	_ = s.do(ctx, "advice", func(ctx context.Context) error { // an unreachable server is for Reachable to tell
		return s.eachServer(ctx, func(ctx context.Context, c *driver.Client) error {
			some := advise(observe(ctx, c))
			mu.Lock()
			defer mu.Unlock()
			all = append(all, some...)
			return nil
		})
	})
	slices.Sort(all)
	return slices.Compact(all)
}

// observed is what a server tells of itself; empty where it doesn't.
type observed struct {
	version    string
	policy     string // maxmemory_policy
	appendOnly string // "1" or "0"
	save       string // when snapshots are made
	saveKnown  bool
}

func observe(ctx context.Context, c *driver.Client) observed {
	info := func(section string) string {
		text, _ := c.Info(ctx, section).Result() // not told: empty
		return text
	}
	o := observed{
		version:    infoField(info("server"), "redis_version"),
		policy:     infoField(info("memory"), "maxmemory_policy"),
		appendOnly: infoField(info("persistence"), "aof_enabled"),
	}
	config, err := c.ConfigGet(ctx, "save").Result()
	o.save, o.saveKnown = config["save"], err == nil
	return o
}

// advise judges what was observed.
func advise(o observed) []string {
	var all []string
	major, _, _ := strings.Cut(o.version, ".")
	if n, err := strconv.Atoi(major); err == nil && n < oldest {
		all = append(all, fmt.Sprintf("Redis is version %s; Signet is made for %d.0 or later", o.version, oldest))
	}
	if o.policy != "" && o.policy != "noeviction" {
		all = append(all, fmt.Sprintf("Redis evicts keys when its memory is full (maxmemory-policy %s), ended-marks among them; set maxmemory-policy noeviction", o.policy))
	}
	if o.appendOnly == "0" && o.saveKnown && o.save == "" {
		all = append(all, "Redis keeps nothing on disk, so a restart loses every session's generation, and each must be restored from the database; set appendonly yes")
	}
	return all
}
