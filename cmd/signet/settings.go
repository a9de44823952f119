package main

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/alecthomas/kong"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/limit"
)

const (
	envPrefix     = "SIGNET_"
	fileSuffix    = "_FILE" // SIGNET_SEAL_KEY_FILE names a file that holds SIGNET_SEAL_KEY
	settingsGroup = "settings"
	defaultFile   = "signet.yaml"
)

// settingsFlags are embedded by each command that needs settings. The group marks a flag as a setting: a command may
// have one of the same name with another meaning (clients add --audience).
type settingsFlags struct {
	File     string          `name:"config" placeholder:"FILE" help:"File of settings; default signet.yaml, where there is one (SIGNET_CONFIG)."`
	Settings issuer.Settings `embed:"" group:"settings"`
}

// AfterApply trims the items of lists that flags gave; kong calls it. Those of other sources are tidy already.
func (f *settingsFlags) AfterApply() error {
	fields := reflect.ValueOf(&f.Settings).Elem()
	for i := range fields.NumField() {
		list, _ := fields.Field(i).Interface().([]string)
		for j := range list {
			list[j] = strings.TrimSpace(list[j])
		}
	}
	return nil
}

// setting is one field of issuer.Settings, as kong reads its tags.
type setting struct{ *kong.Flag }

// env is the setting's environment variable.
func (s setting) env() string { return envPrefix + strings.ToUpper(s.key()) }

// key is the setting's name in signet.yaml.
func (s setting) key() string { return strings.ReplaceAll(s.Name, "-", "_") }

// secret says that the value isn't shown, and that a file may hold it.
func (s setting) secret() bool { return s.Tag.Has("secret") }

// known are all settings, in the order of the struct.
var known = sync.OnceValue(func() []setting {
	var grammar settingsFlags
	k := kong.Must(&grammar, kong.NoDefaultHelp())
	var all []setting
	for _, flag := range k.Model.Flags {
		if flag.Group != nil && flag.Group.Key == settingsGroup {
			all = append(all, setting{flag})
		}
	}
	return all
})

// settingNamed finds a setting by the name of its flag.
func settingNamed(name string) (setting, bool) {
	for _, s := range known() {
		if s.Name == name {
			return s, true
		}
	}
	return setting{}, false
}

// check reads text as the setting's type and says what should have been written.
func (s setting) check(text string) error {
	target := reflect.New(s.Target.Type()).Elem()
	err := s.Mapper.Decode(&kong.DecodeContext{
		Value: s.Value, Scan: kong.ScanFromTokens(kong.Token{Type: kong.FlagValueToken, Value: text}),
	}, target)
	if err != nil {
		return fmt.Errorf("%s: %s", s.shown(text), s.wanted(err))
	}
	if s.Enum != "" && !s.EnumMap()[text] {
		return fmt.Errorf("%s: must be one of %s", s.shown(text), strings.Join(s.EnumSlice(), ", "))
	}
	return nil
}

func (s setting) shown(text string) string {
	if s.secret() {
		return "the value"
	}
	return fmt.Sprintf("%.60q", text)
}

func (s setting) wanted(err error) string {
	switch s.Target.Interface().(type) {
	case time.Duration:
		return "must be a duration, as in 90s, 15m or 168h"
	case int:
		return "must be a whole number"
	case bool:
		return "must be true or false"
	case limit.Rate:
		return "must be a rate: a count and /s, /m or /h, as in 10/m"
	}
	return err.Error()
}

// tidyList trims the items of a list by comma, as people write "a, b".
func (s setting) tidyList(text string) (string, error) {
	if !s.IsSlice() {
		return text, nil
	}
	items := kong.SplitEscaped(text, ',')
	for i, item := range items {
		items[i] = strings.TrimSpace(item)
		if items[i] == "" {
			return "", fmt.Errorf("item %d of the list is empty", i+1)
		}
	}
	return kong.JoinEscaped(items, ','), nil
}

// helpWithEnv adds the variable to a setting's help.
func helpWithEnv(v *kong.Value) string {
	if v.Flag == nil || v.Flag.Group == nil || v.Flag.Group.Key != settingsGroup {
		return v.Help
	}
	return v.Help + " (" + setting{v.Flag}.env() + ")"
}
