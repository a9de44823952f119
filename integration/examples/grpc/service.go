package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// The service is described by hand, so that the example needs no protoc:
//
//	service WhoAmI {
//	  rpc Protected(google.protobuf.Empty) returns (google.protobuf.Struct);
//	  rpc Admin(google.protobuf.Empty) returns (google.protobuf.Struct);
//	}
const serviceName = "example.v1.WhoAmI"

var service = grpc.ServiceDesc{
	ServiceName: serviceName,
	Methods:     []grpc.MethodDesc{{MethodName: "Protected", Handler: whoami("Protected")}, {MethodName: "Admin", Handler: whoami("Admin")}},
}

// whoami says what the caller's token says. It stands behind the guard, so there
// is always a token.
func whoami(name string) grpc.MethodHandler {
	answer := func(ctx context.Context, _ any) (any, error) {
		tok := tokenOf(ctx)
		roles := make([]any, len(tok.Roles))
		for i, role := range tok.Roles {
			roles[i] = role
		}
		return structpb.NewStruct(map[string]any{"subject": tok.Subject, "roles": roles})
	}
	return func(srv any, ctx context.Context, decode func(any) error, guard grpc.UnaryServerInterceptor) (any, error) {
		in := new(emptypb.Empty)
		if err := decode(in); err != nil {
			return nil, err
		}
		return guard(ctx, in, &grpc.UnaryServerInfo{Server: srv, FullMethod: "/" + serviceName + "/" + name}, answer)
	}
}

// call calls a method and prints {"code","subject","message"}. An empty token is
// not sent.
func call(ctx context.Context, addr, method, token string) error {
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	if token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	out := new(structpb.Struct)
	err = conn.Invoke(ctx, fmt.Sprintf("/%s/%s", serviceName, method), new(emptypb.Empty), out)
	return json.NewEncoder(os.Stdout).Encode(map[string]string{
		"code": status.Code(err).String(), "message": status.Convert(err).Message(), "subject": out.GetFields()["subject"].GetStringValue(),
	})
}
