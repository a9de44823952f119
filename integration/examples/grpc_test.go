package examples

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/signet-oidc/signet/integration/servers"
)

// grpcExample is the gRPC example, serving; it is also its own client.
type grpcExample struct{ path, addr string }

func TestGRPC(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds gRPC")
	}
	issuer := startIssuer(t)
	example := startGRPC(t, issuer)
	before := login(t, issuer, "ann@example.com", audience)
	t.Run("before", func(t *testing.T) { example.check(t, issuer) })
	rotate(t, issuer, before)
	t.Run("after", func(t *testing.T) { example.check(t, issuer) })
	example.want(t, "Protected", before, "OK")
}

func startGRPC(t *testing.T, issuer *servers.SignetServer) grpcExample {
	t.Helper()
	addr, err := servers.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	e := grpcExample{path: buildGo("grpc")(t)[0], addr: addr}
	servers.Other(t, "grpc", func() *exec.Cmd {
		cmd := exec.Command(e.path, "serve")
		cmd.Env = append(os.Environ(), "ISSUER="+issuer.URL, "AUDIENCE="+audience, "ADDR="+addr)
		return cmd
	}, func(ctx context.Context) error {
		got, err := e.call(ctx, "Protected", "")
		if err == nil && got.Code != "Unauthenticated" {
			err = fmt.Errorf("%s: %s", got.Code, got.Message)
		}
		return err
	})
	return e
}

// grpcAnswer is what the example's client prints.
type grpcAnswer struct{ Code, Message, Subject string }

func (e grpcExample) call(ctx context.Context, method, token string) (got grpcAnswer, err error) {
	cmd := exec.CommandContext(ctx, e.path, "call", method)
	cmd.Env = append(os.Environ(), "ADDR="+e.addr, "TOKEN="+token)
	out, err := cmd.Output()
	if err != nil {
		return got, err
	}
	return got, json.Unmarshal(out, &got)
}

func (e grpcExample) want(t *testing.T, method, token, code string) {
	t.Helper()
	got, err := e.call(t.Context(), method, token)
	if err != nil || got.Code != code {
		t.Fatalf("%s: %+v, %v, want %s", method, got, err, code)
	}
	if user := strings.HasPrefix(got.Subject, "usr_"); user != (code == "OK") {
		t.Errorf("%s: %s with the subject %q", method, code, got.Subject)
	}
}

func (e grpcExample) check(t *testing.T, issuer *servers.SignetServer) {
	user := login(t, issuer, "ann@example.com", audience)
	admin := login(t, issuer, "root@example.com", audience)
	for _, tt := range []struct{ name, method, token, code string }{
		{"nothing", "Protected", "", "Unauthenticated"},
		{"no token at all", "Protected", "password123", "Unauthenticated"},
		{"a user", "Protected", user, "OK"},
		{"a user at the admins' method", "Admin", user, "PermissionDenied"},
		{"an admin", "Admin", admin, "OK"},
		{"an altered signature", "Protected", alter(user), "Unauthenticated"},
		{"no signature", "Protected", unsign(user), "Unauthenticated"},
		{"another's claims under this signature", "Admin", splice(admin, user), "Unauthenticated"},
		{"another audience", "Protected", login(t, issuer, "root@example.com", issuer.URL+"/admin"), "Unauthenticated"},
	} {
		t.Run(tt.name, func(t *testing.T) { e.want(t, tt.method, tt.token, tt.code) })
	}
}
