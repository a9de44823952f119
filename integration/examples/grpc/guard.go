package main

import (
	"context"
	"net/http"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/signet-oidc/signet/verifier"
)

// guard lets calls through that carry a good access token in the metadata
// "authorization", as gRPC's own OAuth credentials send it.
type guard struct {
	verifier *verifier.Verifier
	roles    map[string]string // what a method needs beside a token, by its full name
}

// tokenKey is where a method's handler finds its token.
type tokenKey struct{}

func tokenOf(ctx context.Context) *verifier.Token {
	tok, _ := ctx.Value(tokenKey{}).(*verifier.Token)
	return tok
}

// unary is a grpc.UnaryServerInterceptor.
func (g guard) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	ctx, err := g.admit(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

// stream is a grpc.StreamServerInterceptor. The token is checked as the stream
// begins; one that lives long should be ended by the token's expiry.
func (g guard) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	ctx, err := g.admit(ss.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	return handler(srv, admitted{ss, ctx})
}

type admitted struct {
	grpc.ServerStream
	ctx context.Context
}

func (a admitted) Context() context.Context { return a.ctx }

func (g guard) admit(ctx context.Context, method string) (context.Context, error) {
	raw, err := bearer(ctx)
	if err != nil {
		return nil, refusal(err)
	}
	tok, err := g.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, refusal(err)
	}
	if role := g.roles[method]; role != "" && !tok.HasRole(role) {
		return nil, refusal(verifier.ErrInsufficient)
	}
	return context.WithValue(ctx, tokenKey{}, tok), nil
}

// bearer wants one token, in one way: two would leave it to chance which counts.
func bearer(ctx context.Context) (string, error) {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	switch len(values) {
	case 0:
		return "", verifier.ErrNoToken
	case 1:
	default:
		return "", verifier.ErrRequest
	}
	scheme, raw, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", verifier.ErrNoToken
	}
	return strings.TrimLeft(raw, " "), nil
}

// refusal tells a client what ProblemOf lets it know, and no more: the verifier's
// own errors are for logs.
func refusal(err error) error {
	p := verifier.ProblemOf(err)
	code := codes.Internal
	switch p.Status {
	case http.StatusBadRequest:
		code = codes.InvalidArgument
	case http.StatusUnauthorized:
		code = codes.Unauthenticated
	case http.StatusForbidden:
		code = codes.PermissionDenied
	case http.StatusServiceUnavailable:
		code = codes.Unavailable
	}
	return status.Error(code, p.Description)
}
