package conformance

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

var long = flag.Bool("long", false, "wait as long as the suite does")

// patient is how long to wait where it changes nothing for Signet: not at all, without
// -long.
func patient(d time.Duration) time.Duration {
	if *long {
		return d
	}
	return 0
}

// What comes of a module when the suite itself is run.
const (
	passes  = "pass"
	warns   = "pass, with a warning" // the suite certifies all the same
	reviews = "pass, by a picture"   // a person of the foundation looks at the page
	skips   = "skipped"              // by the suite itself, as discovery says that it isn't there
	unmet   = "not met"              // a decision of ours: the package's comment says which
	issuing = "not met, but for aud" // dynamicServer shows it; all else of the module is met
)

// module is one of the suite's test modules. run makes its checks; for one that is skipped
// or not met it shows why.
type module struct {
	name, result string
	run          func(t *testing.T, p *provider, v variant)
}

// plan is a profile's list of modules.
type plan []module

// profiles are run side by side, the longest first. section is the part of the package's
// comment that lists the plan.
var profiles = []struct {
	name, section string
	plan          plan
	variant       variant
}{
	{"Dynamic", "Dynamic OP", dynamic, variant{auth: "private_key_jwt"}},
	{"Basic", "Basic OP", basic, variant{auth: "client_secret_basic"}},
	{"FormPost", "Basic OP", basic, variant{auth: "client_secret_basic", mode: "form_post"}}, // OIDCCFormPostBasicTestPlan
	{"RPInitiatedLogout", "RP-Initiated Logout OP", rpInitiated, variant{auth: "client_secret_basic"}},
	{"BackChannelLogout", "Back-Channel Logout OP", backChannel, variant{auth: "client_secret_basic"}},
	{"Config", "Config OP", config, variant{}},
}

// TestProfiles runs every module against one server.
func TestProfiles(t *testing.T) {
	p := start(t)
	for _, profile := range profiles {
		t.Run(profile.name, func(t *testing.T) {
			t.Parallel()
			for _, m := range profile.plan {
				t.Run(m.name, func(t *testing.T) { m.run(t, p, profile.variant) })
			}
		})
	}
}

var (
	section = regexp.MustCompile(`(?m)^// # (.+)$`)
	line    = regexp.MustCompile(`(?m)^//\t(oidcc-\S+) +(.+?)  +(.+)$`)
)

// TestDocumented holds the table of the package's comment to the tests.
func TestDocumented(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	at := section.FindAllStringSubmatchIndex(string(doc), -1)
	for i, s := range at {
		end := len(doc)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		name := string(doc[s[2]:s[3]])
		for _, m := range line.FindAllStringSubmatch(string(doc[s[1]:end]), -1) {
			got[name] = append(got[name], m[1]+": "+m[3])
		}
	}
	for _, p := range profiles {
		var want []string
		for _, m := range p.plan {
			want = append(want, m.name+": "+m.result)
		}
		if a, b := strings.Join(got[p.section], "\n"), strings.Join(want, "\n"); a != b {
			t.Errorf("doc.go lists for %s:\n%s\nthe tests are:\n%s", p.section, a, b)
		}
	}
}
