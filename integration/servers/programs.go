package servers

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// GoProgram builds the package main of a folder as its own module does, and
// returns the command that runs it. More arguments go to the build.
func GoProgram(t testing.TB, folder, pkg string, args ...string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(folder))
	cmd := exec.CommandContext(t.Context(), "go", append(append([]string{"build", "-o", path}, args...), pkg)...)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s of %s: %v\n%s", pkg, folder, err, out)
	}
	return []string{path}
}

// NodeProgram copies a program to a folder of the test, installs what its lock
// file names there, and returns the command that runs the first of its sources.
// npm's cache outlives the test, so that the second run needs no network.
func NodeProgram(t testing.TB, folder string, sources ...string) []string {
	t.Helper()
	node := Need(t, "node", "nodejs")
	dir := NodeModules(t, folder)
	for _, name := range sources {
		copyFile(t, filepath.Join(folder, name), filepath.Join(dir, name))
	}
	return []string{node, filepath.Join(dir, sources[0])}
}

// NodeModules installs what a folder's lock file names, in a folder of the test
// that it returns: beside it lies node_modules.
func NodeModules(t testing.TB, folder string) string {
	t.Helper()
	npm := Need(t, "npm", "npm")
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc"} {
		copyFile(t, filepath.Join(folder, name), filepath.Join(dir, name))
	}
	cmd := exec.CommandContext(t.Context(), npm, "ci", "--prefer-offline", "--ignore-scripts", "--cache", cacheFolder(t, "npm"))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		Missing(t, "what "+folder+" needs of npm", "npm ci: "+err.Error()+"\n"+string(out))
	}
	return dir
}

// PythonProgram makes an environment of what a folder's requirements.txt names,
// and returns the command that runs a script of the folder in it. The
// environment is made once for that list: it is kept in the user's cache.
func PythonProgram(t testing.TB, folder, script string) []string {
	t.Helper()
	list := filepath.Join(folder, "requirements.txt")
	text, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs(filepath.Join(folder, script))
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("python-%.12x", sha256.Sum256(text))
	dir := cacheFolder(t, name)
	unlock, err := lockFolder(cacheFolder(t, name+"-lock")) // tests of several packages may make it at once
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	python, done := filepath.Join(dir, "bin", "python"), filepath.Join(dir, "done")
	if _, err := os.Stat(done); err != nil { // none yet, or one whose making was broken off
		makeEnvironment(t, dir, list)
		if err := os.WriteFile(done, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{python, "-B", path}
}

func makeEnvironment(t testing.TB, dir, list string) {
	t.Helper()
	python := Need(t, "python3", "python3-venv")
	for _, args := range [][]string{
		{python, "-m", "venv", "--clear", dir},
		{filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", list},
	} {
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			Missing(t, "what "+list+" names", fmt.Sprintf("%v: %v\n%s", args[1:], err, out))
		}
	}
}

// MavenProgram builds a folder's pom.xml in a folder of the test, and returns the
// command that runs the jar that it makes there. Maven's own repository, in the home
// folder, outlives the test.
func MavenProgram(t testing.TB, folder, jar string) []string {
	t.Helper()
	mvn, java := Need(t, "mvn", "maven"), Need(t, "java", "default-jdk-headless")
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), mvn, "-q", "-B", "-f", filepath.Join(folder, "pom.xml"), "-DskipTests", "-Dbuild.dir="+dir, "package")
	if out, err := cmd.CombinedOutput(); err != nil {
		Missing(t, "what "+folder+" needs of Maven", "mvn package: "+err.Error()+"\n"+string(out))
	}
	return []string{java, "-jar", filepath.Join(dir, jar)}
}

// cacheFolder outlives the test.
func cacheFolder(t testing.TB, name string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	dir := filepath.Join(cache, "signet-test", name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
