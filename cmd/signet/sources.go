package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/joho/godotenv"
)

// Bounds on what is read.
const (
	maxFile   = 1 << 20  // signet.yaml and .env
	maxSecret = 64 << 10 // a file that holds one secret
)

// value is what one source says of a setting.
type value struct {
	text string
	from string // "SIGNET_ADDR", "SIGNET_ADDR in .env", "addr in signet.yaml"
}

// layer is one source: values by the setting's key.
type layer map[string]value

// sources resolve the settings that no flag gave: environment before .env before file; what none of them
// gives stays at its default. They are read when the first setting is asked for, so that commands without settings
// run in any environment.
type sources struct {
	env []string
	dir string // where .env and signet.yaml are looked for
	// readFile reads at most so many bytes; nil: of the file system.
	readFile func(path string, limit int64) ([]byte, error)

	read   bool
	layers []layer
	errs   []error
	origin map[string]string // by key: where the value in effect comes from
}

var _ kong.Resolver = (*sources)(nil)

// Validate has nothing to add: unknown names are found as the sources are read.
func (*sources) Validate(*kong.Application) error { return nil }

// Resolve returns a setting's text, or nil for its default. Errors are kept, so that all are told at once.
func (s *sources) Resolve(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Group == nil || flag.Group.Key != settingsGroup {
		return nil, nil
	}
	s.readOnce(ctx)
	st, found := settingNamed(flag.Name)
	if !found {
		return nil, nil
	}
	for _, l := range s.layers {
		if v, ok := l[st.key()]; ok {
			return s.take(st, v), nil
		}
	}
	return nil, nil
}

func (s *sources) take(st setting, v value) any {
	text, err := st.tidyList(v.text)
	if err == nil {
		err = st.check(text)
	}
	if err != nil {
		s.errs = append(s.errs, fmt.Errorf("%s: %w", v.from, err))
		return nil
	}
	s.origin[st.key()] = v.from
	return text
}

func (s *sources) err() error { return errors.Join(s.errs...) }

// noteFlags records which settings a flag gave.
func (s *sources) noteFlags(ctx *kong.Context) {
	for _, p := range ctx.Path {
		if p.Flag != nil && !p.Resolved && s.origin != nil {
			s.origin[setting{p.Flag}.key()] = "--" + p.Flag.Name
		}
	}
}

func (s *sources) readOnce(ctx *kong.Context) {
	if s.read {
		return
	}
	s.read, s.origin = true, map[string]string{}
	env, err := s.variables(s.environ(), "")
	s.errs = append(s.errs, err...)
	dotenv, err := s.dotenv()
	s.errs = append(s.errs, err...)
	file, err := s.file(fileFlag(ctx), env, dotenv)
	s.errs = append(s.errs, err...)
	s.layers = []layer{env, dotenv, file}
}

func (s *sources) environ() map[string]string {
	vars := map[string]string{}
	for _, entry := range s.env {
		if name, text, ok := strings.Cut(entry, "="); ok {
			vars[name] = text
		}
	}
	return vars
}

// configKey is where variables keep the name of the settings file; it is no setting.
const configKey = "config"

// variables reads the SIGNET_ variables of the environment or of .env. An empty variable is as good as none.
func (s *sources) variables(vars map[string]string, in string) (layer, []error) {
	l, errs := layer{}, []error(nil)
	for _, st := range known() {
		v, err := s.variable(st, vars, in)
		if err != nil {
			errs = append(errs, err)
		} else if v.text != "" {
			l[st.key()] = v
		}
	}
	if name := vars[envPrefix+"CONFIG"]; name != "" {
		l[configKey] = value{text: name, from: envPrefix + "CONFIG" + in}
	}
	return l, append(errs, unknownVariables(vars, in)...)
}

func (s *sources) variable(st setting, vars map[string]string, in string) (value, error) {
	text, path := vars[st.env()], vars[st.env()+fileSuffix]
	from := st.env() + in
	switch {
	case path == "" || !st.secret():
		return value{text, from}, nil
	case text != "":
		return value{}, fmt.Errorf("%s and %s are both set: keep one", from, st.env()+fileSuffix)
	}
	from = st.env() + fileSuffix + in
	text, err := s.secretFile(path)
	if err != nil {
		return value{}, fmt.Errorf("%s: %w", from, err)
	}
	return value{text, from}, nil
}

// secretFile reads a file that holds a secret and drops one line end.
func (s *sources) secretFile(path string) (string, error) {
	b, err := s.open(path, maxSecret)
	if err != nil {
		return "", err
	}
	text := dropLineEnd(string(b))
	if text == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return text, nil
}

func dropLineEnd(s string) string { return strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r") }

func (s *sources) open(path string, limit int64) ([]byte, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.dir, path)
	}
	if s.readFile != nil {
		return s.readFile(path, limit)
	}
	return readBounded(path, limit)
}

func (s *sources) dotenv() (layer, []error) {
	b, err := s.open(".env", maxFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, []error{err}
	}
	vars, err := godotenv.UnmarshalBytes(b)
	if err != nil {
		// What godotenv says quotes the file, which holds secrets.
		return nil, []error{errors.New(".env: can't be read: write one NAME=value a line, and quote a value that holds blanks or line ends")}
	}
	return s.variables(vars, " in .env")
}

// readBounded reads a file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(f, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("%s: larger than %d KiB", path, limit>>10)
	}
	return b.Bytes(), err
}

// unknownVariables refuses what looks like a setting and isn't one: a misspelt setting must not be ignored.
func unknownVariables(vars map[string]string, in string) []error {
	names := []string{envPrefix + "CONFIG"}
	for _, st := range known() {
		names = append(names, st.env())
		if st.secret() {
			names = append(names, st.env()+fileSuffix)
		}
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		if strings.HasPrefix(name, envPrefix) && vars[name] != "" && !foreign(name) && !slices.Contains(names, name) {
			errs = append(errs, fmt.Errorf("%s%s: no such setting; the nearest is %s", name, in, nearest(name, names)))
		}
	}
	return errs
}

// foreign tells variables that others set: Kubernetes gives each container SIGNET_SERVICE_HOST, SIGNET_PORT_8080_TCP
// and the like where there is a Service named signet; SIGNET_TEST_… steer this module's own tests.
func foreign(name string) bool {
	for _, prefix := range []string{"SERVICE_", "PORT_", "TEST_"} {
		if strings.HasPrefix(name, envPrefix+prefix) {
			return true
		}
	}
	return name == envPrefix+"PORT"
}
