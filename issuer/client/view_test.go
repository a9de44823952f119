package client_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/client"
)

// What secrets hash to must not leave, also where a view is embedded once more.
func TestViewHidesHashes(t *testing.T) {
	_, s := client.NewSecret(time.Now())
	v := client.Client{ID: "app", Secrets: []client.Secret{s}, Registration: &s}.View()
	for name, shown := range map[string]any{"view": v, "embedded": struct{ client.View }{v}} {
		b, err := json.Marshal(shown)
		if err != nil {
			t.Fatal(err)
		}
		if text := string(b); strings.Contains(text, "hash") || strings.Count(text, `"secrets"`) != 1 || strings.Count(text, `"registration"`) != 1 || !strings.Contains(text, `"id":"app"`) {
			t.Errorf("%s: %s", name, text)
		}
	}
}
