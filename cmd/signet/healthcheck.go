package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

type healthcheckCmd struct {
	settingsFlags
	Ready bool `help:"Ask whether it can serve (stores, keys), not only whether it lives."`
}

// healthPatience bounds one check; a container runtime asks again.
const healthPatience = 3 * time.Second

// Run asks the operations address and fails unless it answers 200.
func (c *healthcheckCmd) Run(a *app) error {
	ctx, cancel := context.WithTimeout(a.ctx, healthPatience)
	defer cancel()
	path := "/healthz"
	if c.Ready {
		path = "/readyz"
	}
	target := "http://" + reachable(c.Settings.AdminAddr) + path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no answer: %w (SIGNET_ADMIN_ADDR says where to ask)", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10)) // for the message only
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", target, resp.Status, dropLineEnd(string(body)))
	}
	_, err = fmt.Fprintln(a.stdout, "ok")
	return err
}

// reachable turns a listening address into one to call: all interfaces become loopback.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip, err := netip.ParseAddr(host); host == "" || (err == nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
