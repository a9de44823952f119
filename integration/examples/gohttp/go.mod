module example.com/gohttp

go 1.26.0

require github.com/signet-oidc/signet v0.0.0

replace github.com/signet-oidc/signet => ../../..
