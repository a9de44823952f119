package limit

import (
	"encoding/json"
	"testing"
	"time"
)

func TestRateAsText(t *testing.T) {
	var settings struct{ Login Rate }
	if err := json.Unmarshal([]byte(`{"Login":"10/m"}`), &settings); err != nil || settings.Login != (Rate{10, time.Minute}) {
		t.Fatalf("read %v, %v", settings.Login, err)
	}
	if text, err := json.Marshal(settings); err != nil || string(text) != `{"Login":"10/m"}` {
		t.Errorf("written as %s, %v", text, err)
	}
	if err := json.Unmarshal([]byte(`{"Login":"10/day"}`), &settings); err == nil {
		t.Error("10/day is taken")
	}
}
