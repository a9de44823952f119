package main

import (
	"strings"
	"testing"

	"github.com/signet-oidc/signet/issuer/client"
)

// Who looks for what strangers have left finds it in the list.
func TestClientsListTellsWhoRegistered(t *testing.T) {
	var out strings.Builder
	err := new(clientsList).print(&app{stdout: &out}, []client.Client{
		{ID: "ours"}, {ID: "theirs", Registration: &client.Secret{}}, {ID: "phone", Public: true, Registration: &client.Secret{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"KIND", "ours confidential ", "theirs confidential,self-registered ", "phone public,self-registered "} {
		if line := strings.Join(strings.Fields(strings.Split(out.String(), "\n")[i]), " "); !strings.Contains(line+" ", want) {
			t.Errorf("line %d is %q, want %q in it", i, line, want)
		}
	}
}
