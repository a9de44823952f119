package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	driver "github.com/redis/go-redis/v9"

	"github.com/signet-oidc/signet/issuer/store"
)

// Keys of the deployment and the epochs, and how long they stay unasked for.
const (
	deploymentKey = "signet:deployment"
	deploymentTTL = 90 * 24 * time.Hour
	epochTTL      = time.Hour
)

// ErrOtherDeployment means that this Redis belongs to another database.
var ErrOtherDeployment = errors.New("this Redis belongs to another Signet database")

var _ store.Healer = (*Store)(nil)

// epochs is what this process remembers of each server. It has an own key on
// each, so that no other process's writes hide that mine is gone.
type epochs struct {
	process string

	mu    sync.Mutex // held for a whole WentBack; guards what follows
	count int64
	seen  map[string]epoch // by the server's address
}

// epoch is a server at the last call.
type epoch struct {
	replication string // its replication id
	key         string
	value       string
}

func newEpochs() epochs { return epochs{process: rand.Text(), seen: map[string]epoch{}} }

// WentBack tells whether some server has forgotten something since the last
// call: it has another replication id (it restarted, or a replica took its
// place), or the mark that this process left there is gone or an older one.
// Where it fails, nothing is remembered, and the next call that succeeds says true.
func (s *Store) WentBack(ctx context.Context) (back bool, err error) {
	s.epochs.mu.Lock()
	defer s.epochs.mu.Unlock()
	s.epochs.count++
	var (
		mu  sync.Mutex // guards now and back: the servers are asked at once
		now = map[string]epoch{}
	)
	err = s.do(ctx, "epoch", func(ctx context.Context) error {
		return s.eachServer(ctx, func(ctx context.Context, c *driver.Client) error {
			next, lost, err := s.leaveMark(ctx, c)
			mu.Lock()
			defer mu.Unlock()
			back, now[c.Options().Addr] = back || lost, next
			return err
		})
	})
	if err == nil {
		err = s.keepDeployment(ctx)
	}
	if err != nil {
		return false, err
	}
	s.epochs.seen = now
	return back, nil
}

// leaveMark exchanges the mark on one server and tells whether what was there is
// not what this process left.
func (s *Store) leaveMark(ctx context.Context, c *driver.Client) (next epoch, lost bool, err error) {
	info, err := c.Info(ctx, "replication").Result()
	if err != nil {
		return epoch{}, false, err
	}
	last := s.epochs.seen[c.Options().Addr]
	next = epoch{replication: infoField(info, "master_replid"), value: fmt.Sprint(s.epochs.count)}
	if next.key, err = s.epochKey(ctx, c, last.key); err != nil {
		return epoch{}, false, err
	}
	old, err := c.SetArgs(ctx, next.key, next.value, driver.SetArgs{Get: true, TTL: epochTTL}).Result()
	if err != nil && !errors.Is(err, driver.Nil) {
		return epoch{}, false, err
	}
	return next, last.key != next.key || last.replication != next.replication || last.value != old, nil
}

// epochKey returns a key that a server owns: on a Cluster, in the first
// partition that lies there.
func (s *Store) epochKey(ctx context.Context, c *driver.Client, last string) (string, error) {
	cluster, ok := s.client.(*driver.ClusterClient)
	if !ok {
		return s.epochs.key("00"), nil
	}
	owns := func(key string) bool {
		owner, err := cluster.MasterForKey(ctx, key)
		return err == nil && owner.Options().Addr == c.Options().Addr
	}
	if last != "" && owns(last) {
		return last, nil
	}
	for _, tag := range tags() {
		if key := s.epochs.key(tag); owns(key) {
			return key, nil
		}
	}
	return "", fmt.Errorf("no partition lies on %s", c.Options().Addr)
}

func (e *epochs) key(tag string) string { return "signet:{" + tag + "}:epoch:" + e.process }

// Remember makes this Redis know to which database it belongs, by the deployment
// id that the database has. Another one there is ErrOtherDeployment.
func (s *Store) Remember(ctx context.Context, deployment string) error {
	s.mu.Lock()
	s.deployment = deployment
	s.mu.Unlock()
	return s.keepDeployment(ctx)
}

// keepDeployment writes the deployment anew where it was lost, and prolongs it.
func (s *Store) keepDeployment(ctx context.Context) error {
	s.mu.Lock()
	ours := s.deployment
	s.mu.Unlock()
	if ours == "" {
		return nil
	}
	var there string
	err := s.do(ctx, "deployment", func(ctx context.Context) error {
		var err error
		there, err = s.exchangeDeployment(ctx, ours)
		return err
	})
	if err == nil && there != ours {
		return fmt.Errorf("%w (%s; ours is %s): give each its own Redis, or its own database number in the URL; "+
			"if that database is gone for good, delete the key %s and start again", ErrOtherDeployment, there, ours, deploymentKey)
	}
	return err
}

func (s *Store) exchangeDeployment(ctx context.Context, ours string) (there string, err error) {
	there, err = s.client.SetArgs(ctx, deploymentKey, ours, driver.SetArgs{Mode: "NX", Get: true, TTL: deploymentTTL}).Result()
	if errors.Is(err, driver.Nil) {
		return ours, nil // there was none
	}
	if err == nil && there == ours {
		err = s.client.PExpire(ctx, deploymentKey, deploymentTTL).Err()
	}
	return there, err
}

// infoField finds "name:value" in what INFO prints.
func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
