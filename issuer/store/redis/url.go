package redis

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// What can be wrong with a URL. None of the texts shows any of it: it may hold
// a password.
var (
	errURL     = errors.New("write redis://[user:password@]host[:port][,host…][/db], rediss://… or unix:///path/of.sock")
	errDB      = errors.New("the database is a number, as in redis://host/0, and 0 on a Cluster")
	errParam   = errors.New("unknown, repeated or misplaced parameter")
	errTLSFile = errors.New("cert_file and key_file belong together")
)

// maxHosts bounds the list of addresses.
const maxHosts = 64

const defaultPort = "6379"

// address is a URL taken apart.
type address struct {
	hosts                          []string // host:port, or the path of a socket
	db                             int
	cluster                        bool
	master                         string
	user, password                 string
	sentinelUser, sentinelPassword string
	tls                            *tls.Config
}

// parseURL reads what Config.URL describes.
func parseURL(raw string) (address, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return address{}, errURL
	}
	switch scheme {
	case "unix":
		return parseUnix(rest)
	case "redis", "rediss":
		return parseTCP(scheme, rest)
	}
	return address{}, errURL
}

func parseUnix(rest string) (address, error) {
	u, err := url.Parse("unix://" + rest)
	if err != nil || u.Host != "" || len(u.Path) < 2 || u.Fragment != "" {
		return address{}, errURL
	}
	a := address{hosts: []string{u.Path}}
	a.user, a.password = userOf(u)
	q, err := params(u, "db")
	if err != nil {
		return address{}, err
	}
	a.db, err = database(q["db"])
	return a, err
}

// parseTCP takes the list of hosts out first: net/url refuses more than one.
func parseTCP(scheme, rest string) (address, error) {
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndex(rest[:end], "@") + 1
	hosts, err := splitHosts(rest[at:end])
	if err != nil {
		return address{}, err
	}
	u, err := url.Parse(scheme + "://" + rest[:at] + "host" + rest[end:])
	if err != nil || u.Fragment != "" {
		return address{}, errURL // url.Parse's own error quotes the password
	}
	a := address{hosts: hosts}
	a.user, a.password = userOf(u)
	q, err := params(u, "master", "sentinel_user", "sentinel_password", "cluster", "ca_file", "cert_file", "key_file", "server_name")
	if err != nil {
		return address{}, err
	}
	return a.with(u, q)
}

// with fills in what path and parameters say, and refuses contradictions.
func (a address) with(u *url.URL, q map[string]string) (_ address, err error) {
	if a.db, err = database(strings.TrimPrefix(u.Path, "/")); err != nil {
		return address{}, err
	}
	a.master, a.sentinelUser, a.sentinelPassword = q["master"], q["sentinel_user"], q["sentinel_password"]
	a.cluster = q["cluster"] == "true" || (len(a.hosts) > 1 && a.master == "")
	switch {
	case q["cluster"] != "" && (q["cluster"] != "true" || a.master != ""):
		return address{}, errParam
	case a.master == "" && a.sentinelUser+a.sentinelPassword != "":
		return address{}, errParam
	case a.cluster && a.db != 0:
		return address{}, errDB
	}
	a.tls, err = tlsOf(u.Scheme, q)
	return a, err
}

func splitHosts(list string) ([]string, error) {
	parts := strings.Split(list, ",")
	if len(parts) > maxHosts {
		return nil, errURL
	}
	for i, p := range parts {
		u, err := url.Parse("redis://" + p)
		if err != nil || u.Hostname() == "" || u.User != nil || u.Host != p || strings.HasSuffix(p, ":") {
			return nil, errURL
		}
		if !strings.HasPrefix(p, "[") && strings.Contains(u.Hostname(), ":") {
			return nil, errURL // an IPv6 address without its brackets
		}
		port := u.Port()
		if port == "" {
			port = defaultPort
		}
		parts[i] = net.JoinHostPort(u.Hostname(), port)
	}
	return parts, nil
}

// params reads the query; each parameter at most once, and only those allowed.
func params(u *url.URL, allowed ...string) (map[string]string, error) {
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errParam
	}
	out := make(map[string]string, len(q))
	for _, name := range allowed {
		if v := q[name]; len(v) == 1 && v[0] != "" {
			out[name] = v[0]
		}
	}
	if len(out) != len(q) {
		return nil, errParam
	}
	return out, nil
}

func userOf(u *url.URL) (user, password string) {
	password, _ = u.User.Password()
	return u.User.Username(), password
}

func database(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0, errDB
	}
	return int(n), nil
}

// tlsOf leaves ServerName empty unless told: the driver takes that of each
// address, and a Cluster has several.
func tlsOf(scheme string, q map[string]string) (*tls.Config, error) {
	if scheme != "rediss" {
		if q["ca_file"]+q["cert_file"]+q["key_file"]+q["server_name"] != "" {
			return nil, fmt.Errorf("%w: ca_file, cert_file, key_file and server_name go with rediss", errParam)
		}
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: q["server_name"]}
	if file := q["ca_file"]; file != "" {
		roots, err := rootsFrom(file)
		if err != nil {
			return nil, err
		}
		c.RootCAs = roots
	}
	if (q["cert_file"] == "") != (q["key_file"] == "") {
		return nil, errTLSFile
	}
	if q["cert_file"] == "" {
		return c, nil
	}
	pair, err := tls.LoadX509KeyPair(q["cert_file"], q["key_file"])
	if err != nil {
		return nil, fmt.Errorf("load cert_file and key_file: %w", err)
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

func rootsFrom(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("ca_file holds no certificate in PEM")
	}
	return roots, nil
}
