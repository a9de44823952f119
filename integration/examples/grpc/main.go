// Command grpc is a resource server that speaks gRPC: its method Protected is for
// any valid access token of its audience, Admin for those with the role admin.
// Server reflection, TLS and all else that a real one has are left out.
//
//	grpc serve
//	TOKEN=... grpc call Protected
//
// Settings: ISSUER, AUDIENCE (default: the issuer), ADDR.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"google.golang.org/grpc"

	"github.com/signet-oidc/signet/verifier"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "grpc:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	addr := cmp.Or(os.Getenv("ADDR"), "127.0.0.1:3003")
	switch {
	case len(args) == 1 && args[0] == "serve":
		return serve(ctx, addr)
	case len(args) == 2 && args[0] == "call":
		return call(ctx, addr, args[1], os.Getenv("TOKEN"))
	}
	return errors.New("usage: grpc serve | grpc call Protected|Admin")
}

func serve(ctx context.Context, addr string) error {
	issuer := cmp.Or(os.Getenv("ISSUER"), "http://localhost:8080")
	v, err := verifier.New(ctx, verifier.Config{
		Issuer:   issuer,
		Audience: cmp.Or(os.Getenv("AUDIENCE"), issuer),
	})
	if err != nil {
		return err
	}
	defer v.Close()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	g := guard{verifier: v, roles: map[string]string{"/" + serviceName + "/Admin": "admin"}}
	server := grpc.NewServer(grpc.UnaryInterceptor(g.unary), grpc.StreamInterceptor(g.stream))
	server.RegisterService(&service, nil)
	context.AfterFunc(ctx, server.GracefulStop)
	fmt.Printf("listening on %s\n", addr)
	return server.Serve(l)
}
