package web

import (
	"strings"
	"testing"

	"github.com/signet-oidc/signet/issuer/flow"
)

const webKit = "AppleWebKit/537.36 (KHTML, like Gecko) "

func TestDevice(t *testing.T) {
	for _, c := range []struct{ agent, want string }{
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webKit + "Chrome/142.0.0.0 Safari/537.36", "Chrome on Windows"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webKit + "Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0", "Edge on Windows"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Windows"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webKit + "Chrome/141.0.0.0 Safari/537.36 OPR/124.0.0.0", "Opera on Windows"},
		{"Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "Trident on Windows"},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15", "Safari on macOS"},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on macOS"},
		{"Mozilla/5.0 (X11; Linux x86_64) " + webKit + "Chrome/142.0.0.0 Safari/537.36", "Chrome on Linux"},
		{"Mozilla/5.0 (X11; Linux x86_64) " + webKit + "HeadlessChrome/142.0.0.0 Safari/537.36", "Headless Chrome on Linux"},
		{"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"},
		{"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + webKit + "Chrome/142.0.0.0 Safari/537.36", "Chrome on Chrome OS"},
		{"Mozilla/5.0 (Linux; Android 10; K) " + webKit + "Chrome/142.0.0.0 Mobile Safari/537.36", "Chrome on Android"},
		{"Mozilla/5.0 (Linux; Android 10; K) " + webKit + "Chrome/142.0.0.0 Safari/537.36", "Chrome on Android"},
		{"Mozilla/5.0 (Linux; Android 10; K) " + webKit + "SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36", "Samsung Browser on Android"},
		{"Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0", "Firefox on Android"},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1", "Safari on iPhone"},
		{"Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1", "Safari on iPad"},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.7444.77 Mobile/15E148 Safari/604.1", "Chrome on iPhone"},
		{"curl/8.5.0", "curl"},
		{"curl", "curl"},
		{"python-requests/2.32.3", "python-requests"},
		{"Go-http-client/1.1", "Go-http-client"},
		{"okhttp/4.12.0", "okhttp"},
		{"Shop/3.1 CFNetwork/1568.200.51 Darwin/24.1.0", "Shop"},
		{"Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/AP2A)", "Dalvik on Android"},
		{"", "Unknown device"},
		{"  ", "Unknown device"},
		{"Mozilla/5.0", "Unknown device"},
		{"(;;)/", "Unknown device"},
		{"12/3", "Unknown device"},
		{"<b>/1", "Unknown device"},
		{strings.Repeat("x", maxProduct+1) + "/1", "Unknown device"},
	} {
		if got := textsOf("en").Device(flow.Device{Agent: c.agent}); got != c.want {
			t.Errorf("%q is %q, want %q", c.agent, got, c.want)
		}
	}
	for want, d := range map[string]flow.Device{
		"Safari auf iPhone": {Agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 Version/26.1 Mobile/15E148 Safari/604.1"},
		"Unbekanntes Gerät": {}, "Zugriff in Ihrer Abwesenheit": {Agent: "curl/8", Offline: true},
	} {
		if got := textsOf("de").Device(d); got != want {
			t.Errorf("%+v is %q, want %q", d, got, want)
		}
	}
}

// FuzzDevice: whatever a header says, a short name comes of it.
func FuzzDevice(f *testing.F) {
	for _, s := range []string{"", "curl/8", "(Android", "Android;Tablet", "CrOS x86_64", "a [x;y] http://z", "Mozilla/5.0 (Linux; Android"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, agent string) {
		if name, system := product(agent); len(name) > maxProduct || len(system) > maxProduct || name == "" && system != "" {
			t.Errorf("%q is %q on %q", agent, name, system)
		}
	})
}
