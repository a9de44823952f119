package arrows

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestModule checks this module's own arrows.
func TestModule(t *testing.T) {
	var packages []Package
	for _, p := range list(t) {
		packages = append(packages, p.Package)
	}
	for _, fault := range Check(packages) {
		t.Error(fault)
	}
}

// TestPackageComments wants a package comment in one file of every package.
func TestPackageComments(t *testing.T) {
	for _, p := range list(t) {
		files := p.GoFiles
		if len(files) == 0 { // a package of tests only
			files = slices.Concat(p.TestGoFiles, p.XTestGoFiles)
		}
		if !slices.ContainsFunc(files, func(f string) bool { return hasComment(t, filepath.Join(p.Dir, f)) }) {
			t.Errorf("%s has no package comment that says what it owns and what it doesn't", p.ImportPath)
		}
	}
}

// TestCommittedFiles checks the names and contents of what git holds.
func TestCommittedFiles(t *testing.T) {
	root := moduleRoot(t)
	paths := committed(t, root)
	for _, fault := range CheckTop(paths) {
		t.Error(fault)
	}
	for _, path := range paths {
		content, err := os.ReadFile(filepath.Join(root, path))
		if os.IsNotExist(err) { // deleted, not yet committed
			continue
		}
		if err != nil {
			t.Error(err)
		}
		for _, fault := range CheckContent(path, content) {
			t.Error(fault)
		}
	}
}

// TestTaskRunner wants one version of the task runner named everywhere, and
// the README's test command where .ci/run reads it.
func TestTaskRunner(t *testing.T) {
	root := moduleRoot(t)
	command := regexp.MustCompile(`go run (github\.com/go-task/task/v3/cmd/task@v[0-9.]*[0-9])`)
	first := ""
	for _, path := range committed(t, root) {
		if ext := filepath.Ext(path); ext != ".md" && ext != ".yml" {
			continue
		}
		content, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range command.FindAllStringSubmatch(string(content), -1) {
			if first == "" {
				first = found[1]
			}
			if found[1] != first {
				t.Errorf("%s names %s, another file %s", path, found[1], first)
			}
		}
		if path == "README.md" && !readmeCommand.Match(content) {
			t.Errorf("README.md has no code block with the test command after the line <!-- test command -->: .ci/run has nothing to run")
		}
	}
	if first == "" {
		t.Error("no file says how to run the tasks")
	}
}

var readmeCommand = regexp.MustCompile("(?m)^<!-- test command -->\n+```.*\ngo run github\\.com/go-task/task/v3/cmd/task@v[0-9.]+ test\n")

func TestCheck(t *testing.T) {
	tests := []struct {
		name, from, to string
		want           []string
	}{
		{"down", "issuer/flow", "issuer/session", nil},
		{"down, far", "cmd/signet", "keys/secret", nil},
		{"up", "keys", "issuer/flow", []string{"keys (band 1) imports issuer/flow (band 3): upward"}},
		{"up, from below its own folder", "keys/secret", "keys", []string{"keys/secret (band 0) imports keys (band 1): upward"}},
		{"a noun and a noun", "issuer/account", "issuer/session", []string{"issuer/account imports issuer/session: sideways in band 2"}},
		{"an engine and its suite", "issuer/store/sql", "issuer/store/storetest", []string{"issuer/store/sql imports issuer/store/storetest: sideways in band 5"}},
		{"a face and a face", "issuer/oauth", "issuer/api", []string{"issuer/oauth imports issuer/api: sideways in band 4"}},
		{"internals", "issuer/internal/httpx", "issuer/internal/metrics", []string{"issuer/internal/httpx imports issuer/internal/metrics: sideways in band 1"}},
		{"integration", "issuer", "integration/servers", []string{"issuer (band 5) imports integration/servers (band 7): upward"}},
		{"integration, its ground", "integration/load", "integration/servers", nil},
		{"outside", "verifier", "net/http", nil},
		{"a package in no band", "issuer/util", "keys", []string{"issuer/util is in no band: give it a line in integration/arrows"}},
		{"the module's own folder", "", "keys", []string{" is in no band: give it a line in integration/arrows"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to := tt.to
			if Band(to) != unknown {
				to = Module + "/" + to
			}
			got := Check([]Package{{ImportPath: strings.TrimSuffix(Module+"/"+tt.from, "/"), Imports: []string{"fmt", to}}})
			if !slices.Equal(got, tt.want) {
				t.Errorf("Check = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestBand(t *testing.T) {
	tests := []struct {
		path string
		want int
	}{
		{"issuer/internal/httpx", 1},
		{"issuer/internal", unknown},
		{"issuer/internal/httpx/deep", unknown},
		{"integration/servers", 7},
		{"integration/tools/teststrict", 8},
		{"integration", unknown},
		{"keysmith", unknown},
		{"", unknown},
	}
	for _, tt := range tests {
		if got := Band(tt.path); got != tt.want {
			t.Errorf("Band(%q) = %d, want %d", tt.path, got, tt.want)
		}
	}
}

func TestCheckTop(t *testing.T) {
	got := CheckTop([]string{"README.md", "keys/ring.go", ".ci/run", ".gitignore", "util/a.go", "util/b.go", "notes.txt"})
	want := []string{"util has no place at the top level", "notes.txt has no place at the top level"}
	if !slices.Equal(got, want) {
		t.Errorf("CheckTop = %q, want %q", got, want)
	}
}

func TestCheckContent(t *testing.T) {
	// Written in parts, so that this file itself passes.
	tests := []struct {
		name, content, want string
	}{
		{"clean", "GET /work, cmd/work/x, the root / and ~/work/\n", ""},
		{"a registry", "x\n\"https://registry." + "npmjs.org/jose\"", "f:2 holds the host of a package registry: \"registry." + "npmjs.org\""},
		{"resolved elsewhere", `"resolved": "ht` + `tps://mirror.example/jose.tgz"`, `f:1 holds an address resolved in a lock file: "\"resolved\": \"ht` + `tps:"`},
		{"a machine's path", "see /wor" + "k/main/keys", "f:1 holds a path of one machine: \" /wor" + "k/\""},
		{"a home", "/home" + "/ann/signet", "f:1 holds a path of one machine: \"/home" + "/ann/\""},
		{"binary", "\x00 /wor" + "k/main/keys", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := CheckContent("f", []byte(tt.content))
			if strings.Join(got, "\n") != tt.want {
				t.Errorf("CheckContent = %q, want %q", got, tt.want)
			}
		})
	}
}

// listed is what the tests read of `go list -json`.
type listed struct {
	Package
	Dir                                string
	GoFiles, TestGoFiles, XTestGoFiles []string
}

func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Dir,GoFiles,TestGoFiles,XTestGoFiles", Module+"/...")
	cmd.Dir = moduleRoot(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listed
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for dec.More() {
		var p listed
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) == 0 {
		t.Fatal("go list names no package")
	}
	return packages
}

func hasComment(t *testing.T, path string) bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return isComment(file.Doc)
}

// isComment wants more than a build constraint or a licence line.
func isComment(doc *ast.CommentGroup) bool {
	text := doc.Text()
	return strings.HasPrefix(text, "Package ") || strings.HasPrefix(text, "Command ")
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", Module).Output()
	if err != nil {
		t.Fatalf("go list -m: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func committed(t *testing.T, root string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files (these tests want a checkout): %v", err)
	}
	return strings.Split(strings.Trim(string(out), "\x00"), "\x00")
}

// TestRFCs checks the README's table of specifications.
func TestRFCs(t *testing.T) {
	root := moduleRoot(t)
	read := func(path string) (string, error) {
		at := filepath.Join(root, filepath.FromSlash(path))
		if info, err := os.Stat(at); err != nil || info.IsDir() {
			return "", err
		}
		content, err := os.ReadFile(at)
		return string(content), err
	}
	readme, err := read("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range CheckRFCs(readme, read) {
		t.Error(fault)
	}
	const bad = rfcsBegin + "\n| a | b | c |\n| --- | --- | --- |\n| RFC 1 | `issuer` | `issuer/doc.go` `TestNothing` |\n| RFC 2 | `gone.go` | |\n" + rfcsEnd
	if faults := CheckRFCs(bad, read); len(faults) != 2 {
		t.Errorf("a bad table: %q", faults)
	}
}
