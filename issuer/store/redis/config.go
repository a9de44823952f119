package redis

import (
	"context"
	"fmt"
	"sync"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/sony/gobreaker/v2"

	"github.com/signet-oidc/signet/keys/secret"
)

// Defaults and bounds of a Config.
const (
	DefaultTimeout  = 1500 * time.Millisecond
	DefaultPoolSize = 64
	maxPoolSize     = 4096
)

// Config says where Redis is.
type Config struct {
	// URL names the server or servers:
	//
	//	redis://[user:password@]host[:6379][/db]
	//	rediss://…                                 the same over TLS 1.2 or later
	//	unix://[user:password@]/path/of.sock[?db=N]
	//	redis://host1:6379,host2:6379,host3:6379    several addresses: a Cluster
	//	redis://host:6379?cluster=true              one address of a Cluster
	//	redis://host1:26379,host2:26379/0?master=NAME[&sentinel_user=U&sentinel_password=P]
	//
	// The last is Sentinel: the addresses are those of sentinels, the user and
	// password before @ those of the servers. With rediss, also ca_file,
	// cert_file, key_file (PEM) and server_name; without ca_file the system's
	// roots. Required.
	URL secret.String
	// Timeout bounds an operation: connecting, waiting and one retry together.
	// Zero: DefaultTimeout.
	Timeout time.Duration
	// PoolSize is the most connections to one server. Zero: DefaultPoolSize.
	PoolSize int
}

// Store is Redis. It is safe for concurrent use.
type Store struct {
	client  driver.UniversalClient
	timeout time.Duration
	breaker *gobreaker.CircuitBreaker[struct{}]
	epochs  epochs
	// together is nil on a Cluster: one master that is away would hold up the
	// calls of the others.
	together *together

	mu         sync.Mutex // guards deployment
	deployment string     // as Remember was told
}

// Open reads the configuration and makes the client. It doesn't connect: Redis may
// still be down, and each operation then says store.ErrUnavailable until it is
// up (see Reachable). A Config that can't work is an error that never shows the
// URL.
func Open(ctx context.Context, c Config) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open redis: %w", err)
	}
	a, err := parseURL(c.URL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("redis URL: %w", err)
	}
	if c.Timeout < 0 || c.PoolSize < 0 || c.PoolSize > maxPoolSize {
		return nil, fmt.Errorf("open redis: a timeout above zero and a pool of at most %d connections are possible", maxPoolSize)
	}
	quiet()
	s := &Store{client: driver.NewUniversalClient(options(a, c)), timeout: c.timeout(), breaker: newBreaker(), epochs: newEpochs()}
	if !a.cluster {
		s.together = &together{client: s.client, timeout: s.timeout, patience: patience}
	}
	return s, nil
}

// Close closes all connections. Operations under way end with an error.
func (s *Store) Close() error {
	if err := s.client.Close(); err != nil {
		return fmt.Errorf("close redis: %w", err)
	}
	return nil
}

// quiet stops the driver from writing to standard error by itself: what it
// would say comes back as errors.
var quiet = sync.OnceFunc(logging.Disable)

func (c Config) timeout() time.Duration {
	if c.Timeout == 0 {
		return DefaultTimeout
	}
	return c.Timeout
}

func (c Config) poolSize() int {
	if c.PoolSize == 0 {
		return DefaultPoolSize
	}
	return c.PoolSize
}

// options bounds everything. Its parts are shorter than the whole, so that the
// one retry still fits.
func options(a address, c Config) *driver.UniversalOptions {
	part := c.timeout() * 2 / 3
	return &driver.UniversalOptions{
		Addrs: a.hosts, DB: a.db, IsClusterMode: a.cluster, MasterName: a.master,
		Username: a.user, Password: a.password,
		SentinelUsername: a.sentinelUser, SentinelPassword: a.sentinelPassword,
		TLSConfig:   a.tls,
		ClientName:  "signet",
		DialTimeout: part, ReadTimeout: part, WriteTimeout: part, PoolTimeout: part,
		ContextTimeoutEnabled: true,
		DialerRetries:         1,
		MaxRetries:            1,
		MinRetryBackoff:       5 * time.Millisecond, MaxRetryBackoff: 50 * time.Millisecond,
		PoolSize: c.poolSize(), MaxActiveConns: c.poolSize(),
		// An idle connection that a firewall has forgotten costs a retry.
		ConnMaxIdleTime: 5 * time.Minute,
		// Commands and replies are below 1 KiB; the default is 32 each way.
		ReadBufferSize: 4 << 10, WriteBufferSize: 4 << 10,
		// A pipeline of sixty rotations; the default is 128 KiB each way.
		PipelineReadBufferSize: 16 << 10, PipelineWriteBufferSize: 16 << 10,
		// RESP2: nothing here needs RESP3, whose push messages cost a look each.
		Protocol:                 2,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}
