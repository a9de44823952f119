package main

import (
	"io"
	"text/template"

	"github.com/signet-oidc/signet/issuer/id"
)

// tour is the list of commands that `signet dev` prints. It is one script for sh: each line works when pasted in that
// order, with curl and sed alone.
type tour struct {
	Issuer, Operations, Demo string
	ClientSecret             string
}

func (tour) User() string      { return demoUser }
func (tour) Admin() string     { return demoAdmin }
func (tour) Password() string  { return demoPassword }
func (tour) Client() id.Client { return demoClient }

var tourText = template.Must(template.New("tour").Parse(`# Signet is up: issuer {{.Issuer}}, admin and health {{.Operations}}, demo API {{.Demo}}
# {{.User}} and {{.Admin}}, password {{.Password}}. Paste these into another terminal, line by line:

field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"; }

# 1. Log in, and call an API that checks the token without asking the issuer.
R=$(curl -s {{.Issuer}}/login -H 'Content-Type: application/json' -d '{"email":"{{.User}}","password":"{{.Password}}"}'); echo "$R"
A=$(echo "$R" | field access_token); T=$(echo "$R" | field refresh_token)
curl -si {{.Demo}}/protected -H "Authorization: Bearer $A"
curl -si {{.Demo}}/admin -H "Authorization: Bearer $A"

# 2. Refresh. The same token again, as after a lost answer, gets the same successor.
R=$(curl -s {{.Issuer}}/refresh -H 'Content-Type: application/json' -d "{\"refresh_token\":\"$T\"}"); echo "$R"
T2=$(echo "$R" | field refresh_token)
curl -s {{.Issuer}}/refresh -H 'Content-Type: application/json' -d "{\"refresh_token\":\"$T\"}" | field refresh_token | grep -Fx "$T2"

# 3. Once the successor was used, the old token is a thief's: it is refused, and so is the whole family.
T3=$(curl -s {{.Issuer}}/refresh -H 'Content-Type: application/json' -d "{\"refresh_token\":\"$T2\"}" | field refresh_token)
curl -si {{.Issuer}}/refresh -H 'Content-Type: application/json' -d "{\"refresh_token\":\"$T\"}"
curl -si {{.Issuer}}/refresh -H 'Content-Type: application/json' -d "{\"refresh_token\":\"$T3\"}"

# 4. Rotate the signing keys. A token of the old key is still good. (Forced: the standby was published just now.)
A=$(curl -s {{.Issuer}}/login -H 'Content-Type: application/json' -d '{"email":"{{.User}}","password":"{{.Password}}"}' | field access_token)
K=$(curl -s {{.Issuer}}/login -H 'Content-Type: application/json' -d '{"email":"{{.Admin}}","password":"{{.Password}}","audience":"{{.Issuer}}/admin"}' | field access_token)
curl -s {{.Operations}}/admin/keys/rotate -H "Authorization: Bearer $K" -H 'Content-Type: application/json' -d '{"force":true,"reason":"a look at it"}'
curl -si {{.Demo}}/protected -H "Authorization: Bearer $A"

# 5. Log out. The API hears of it within its poll, a second here.
curl -si {{.Issuer}}/logout -X POST -H "Authorization: Bearer $A"
sleep 3; curl -si {{.Demo}}/protected -H "Authorization: Bearer $A"

# 6. A client without a person.
C=$(curl -s -u '{{.Client}}:{{.ClientSecret}}' {{.Issuer}}/oauth/token -d grant_type=client_credentials | field access_token)
curl -si {{.Demo}}/protected -H "Authorization: Bearer $C"

# 7. In a browser: log in to the demo app at {{.Demo}}/ with OpenID Connect; your account is at {{.Issuer}}/ui/account
`))

func (t tour) write(w io.Writer) error { return tourText.Execute(w, t) }
