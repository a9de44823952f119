package redis

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/signet-oidc/signet/keys/secret"
)

func TestParseURL(t *testing.T) {
	for raw, want := range map[string]address{
		"redis://localhost":                         {hosts: []string{"localhost:6379"}},
		"redis://localhost:7000/3":                  {hosts: []string{"localhost:7000"}, db: 3},
		"redis://user:p%40ss@h:1":                   {hosts: []string{"h:1"}, user: "user", password: "p@ss"},
		"redis://:secret@h":                         {hosts: []string{"h:6379"}, password: "secret"},
		"redis://[::1]":                             {hosts: []string{"[::1]:6379"}},
		"redis://[::1]:7,[::2]:8,h":                 {hosts: []string{"[::1]:7", "[::2]:8", "h:6379"}, cluster: true},
		"redis://h?cluster=true":                    {hosts: []string{"h:6379"}, cluster: true},
		"redis://h/0?cluster=true":                  {hosts: []string{"h:6379"}, cluster: true},
		"redis://h1:26379,h2:26379/2?master=m":      {hosts: []string{"h1:26379", "h2:26379"}, db: 2, master: "m"},
		"redis://u:p@h:1?master=m&sentinel_user=su": {hosts: []string{"h:1"}, master: "m", user: "u", password: "p", sentinelUser: "su"},
		"unix:///run/redis.sock":                    {hosts: []string{"/run/redis.sock"}},
		"unix://u:p@/run/redis.sock?db=4":           {hosts: []string{"/run/redis.sock"}, user: "u", password: "p", db: 4},
	} {
		t.Run(raw, func(t *testing.T) {
			if got, err := parseURL(raw); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, %v\nwant %+v", got, err, want)
			}
		})
	}
}

func TestParseURLRefuses(t *testing.T) {
	for raw, want := range map[string]error{
		"":                                    errURL,
		"localhost:6379":                      errURL,
		"http://hunter2@h":                    errURL,
		"redis://":                            errURL,
		"redis://h,":                          errURL,
		"redis://h:x":                         errURL,
		"redis://h:":                          errURL,
		"redis://::1":                         errURL,
		"redis://u:hunter2%zz@h":              errURL,
		"redis://h#hunter2":                   errURL,
		"redis://h/one":                       errDB,
		"redis://h/-1":                        errDB,
		"redis://h/0/1":                       errDB,
		"redis://h1,h2/1":                     errDB,
		"redis://h?hunter2=1":                 errParam,
		"redis://h?master=a&master=b":         errParam,
		"redis://h?master=":                   errParam,
		"redis://h?sentinel_password=hunter2": errParam,
		"redis://h?cluster=yes":               errParam,
		"redis://h?cluster=true&master=m":     errParam,
		"redis://h?ca_file=/ca.pem":           errParam,
		"redis://h?a;b":                       errParam,
		"rediss://h?cert_file=/c.pem":         errTLSFile,
		"unix://host/path":                    errURL,
		"unix://":                             errURL,
		"unix:///s?master=m":                  errParam,
		"redis://" + strings.Repeat("h,", 64) + "h": errURL,
	} {
		t.Run(raw, func(t *testing.T) {
			_, err := Open(t.Context(), Config{URL: secret.New(raw)})
			if !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v: shows the URL", err)
			}
		})
	}
}

func TestConfigHidesTheURL(t *testing.T) {
	c := Config{URL: secret.New("redis://:hunter2@h")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, c); strings.Contains(got, "hunter2") {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}

func TestConfigBounds(t *testing.T) {
	for name, c := range map[string]Config{
		"negative timeout": {Timeout: -1},
		"negative pool":    {PoolSize: -1},
		"huge pool":        {PoolSize: maxPoolSize + 1},
	} {
		t.Run(name, func(t *testing.T) {
			c.URL = secret.New("redis://h")
			if _, err := Open(t.Context(), c); err == nil {
				t.Error("no error")
			}
		})
	}
}

func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{"redis://u:p@h1:1,[::1]:2/0?master=m", "unix:///s?db=1", "rediss://h?server_name=x", "redis://h/99"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if strings.Contains(raw, "_file") {
			return // reads files
		}
		a, err := parseURL(raw)
		if err == nil && (len(a.hosts) == 0 || a.db < 0 || a.cluster && a.master != "" || (a.tls != nil) != strings.HasPrefix(raw, "rediss://")) {
			t.Errorf("%q gives %+v", raw, a)
		}
	})
}
