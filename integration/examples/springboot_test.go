//go:build interop

package examples

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/signet-oidc/signet/integration/servers"
)

// TestSpringBoot has Maven build the example, in a folder of the test. Maven's own
// repository in the home folder outlives it.
func TestSpringBoot(t *testing.T) {
	checkRotation(t, startIssuer(t), "springboot", buildSpringBoot(t))
}

func buildSpringBoot(t *testing.T) []string {
	t.Helper()
	mvn, java := servers.Need(t, "mvn", "maven"), servers.Need(t, "java", "default-jdk-headless")
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), mvn, "-q", "-B", "-f", "springboot/pom.xml", "-DskipTests", "-Dbuild.dir="+dir, "package")
	if out, err := cmd.CombinedOutput(); err != nil {
		servers.Missing(t, "what the Spring Boot example needs", "mvn package: "+err.Error()+"\n"+string(out))
	}
	return []string{java, "-jar", filepath.Join(dir, "api.jar")}
}
