package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"
)

// fileFlag returns what --config was given, or "".
func fileFlag(ctx *kong.Context) string {
	for _, p := range ctx.Path {
		if p.Flag != nil && p.Flag.Name == configKey {
			name, _ := ctx.FlagValue(p.Flag).(string)
			return name
		}
	}
	return ""
}

// file reads the settings file: the one that is named must be there, signet.yaml need not.
func (s *sources) file(named string, env, dotenv layer) (layer, []error) {
	for _, v := range []value{env[configKey], dotenv[configKey], {text: defaultFile}} {
		if named == "" {
			named = v.text
		}
	}
	b, err := s.open(named, maxFile)
	if errors.Is(err, os.ErrNotExist) && named == defaultFile {
		return nil, nil
	}
	if err != nil {
		return nil, []error{err}
	}
	return s.parseYAML(b, named)
}

// parseYAML reads settings from YAML: one mapping of keys to scalars or, for lists, sequences of scalars. Values are
// taken as they are written, so that 10/m, 15m and 08 need no quotes.
func (s *sources) parseYAML(b []byte, name string) (layer, []error) {
	doc, err := oneMapping(b)
	if err != nil {
		return nil, []error{fmt.Errorf("%s: %w", name, err)}
	}
	l, errs := layer{}, []error(nil)
	for i := 0; i+1 < len(doc); i += 2 {
		if err := s.member(l, doc[i], doc[i+1], name); err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", name, doc[i].Line, err))
		}
	}
	return l, errs
}

// oneMapping returns the keys and values of the mapping that a document consists of; none for an empty file.
func oneMapping(b []byte) ([]*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(b))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, errors.New("not YAML: write key: value, one a line") // what yaml says may quote a secret
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("must hold one document")
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, errors.New("must be a mapping: write key: value, one a line")
	}
	return root.Content, nil
}

func (s *sources) member(l layer, key, node *yaml.Node, name string) error {
	st, file, ok := settingOfKey(key.Value)
	if !ok || key.Kind != yaml.ScalarNode {
		return fmt.Errorf("%.60s: no such setting; the nearest is %s", key.Value, nearest(key.Value, yamlKeys()))
	}
	if _, twice := l[st.key()]; twice {
		return fmt.Errorf("%s is set twice: keep one", st.key())
	}
	text, err := scalar(st, node)
	if err == nil && file && text != "" {
		text, err = s.secretFile(text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key.Value, err)
	}
	if text != "" {
		l[st.key()] = value{text, key.Value + " in " + name}
	}
	return nil
}

// settingOfKey also knows seal_key_file for seal_key.
func settingOfKey(key string) (st setting, file, ok bool) {
	for _, st := range known() {
		switch {
		case key == st.key():
			return st, false, true
		case st.secret() && key == st.key()+"_file":
			return st, true, true
		}
	}
	return setting{}, false, false
}

func yamlKeys() (keys []string) {
	for _, st := range known() {
		keys = append(keys, st.key())
	}
	return keys
}

// scalar returns a node's text: that of a scalar, or for a list its items by comma.
func scalar(st setting, node *yaml.Node) (string, error) {
	switch {
	case node.Kind == yaml.ScalarNode && node.Tag == "!!null":
		return "", nil
	case node.Kind == yaml.ScalarNode:
		return node.Value, nil
	case node.Kind == yaml.SequenceNode && st.IsSlice():
		return sequence(node)
	case st.IsSlice():
		return "", errors.New("must be a list")
	}
	return "", errors.New("must be one value")
}

func sequence(node *yaml.Node) (string, error) {
	items := make([]string, 0, len(node.Content))
	for _, item := range node.Content {
		if item.Kind != yaml.ScalarNode {
			return "", errors.New("must be a list of texts")
		}
		items = append(items, item.Value)
	}
	return kong.JoinEscaped(items, ','), nil
}
