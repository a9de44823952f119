// Package browser drives a real Chromium, headless, for tests: it goes to
// pages, fills fields, clicks buttons and looks at what a person would see.
//
// It owns the browser's process, which ends with its test, and the waiting:
// every call returns when the page is there, or ends the test after a bounded
// time and says where the browser was and what stood there. It knows nothing
// of Signet, nor where Chromium is installed.
//
//	b := browser.Start(t, servers.Need(t, "chromium", "chromium"))
//	page := b.Page(t)                      // cookies of its own, as a private window
//	page.Go("https://app.example.com/")
//	page.Fill("email", "ann@example.com")  // fields and buttons by their id
//	page.Click("login")                    // and the page that follows
//	page.WaitURL("https://app.example.com/")
//
// Nothing but the loopback can be reached by name or address. Certificates are
// not checked: that is for the clients under test, not for the browser.
package browser

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

const (
	startPatience = 60 * time.Second // for a loaded machine under -race
	stepPatience  = 20 * time.Second // for one step on a page
	pollEvery     = 20 * time.Millisecond
)

// Browser is one running Chromium with a profile of its own.
type Browser struct {
	ctx context.Context
}

// flags are added to chromedp's own, which keep the browser from asking about
// itself. Chromium's sandbox needs what containers and root don't have; it
// loads our own pages alone.
var flags = map[string]any{
	"no-sandbox":                 true,
	"disable-gpu":                true,
	"no-proxy-server":            true,
	"no-pings":                   true,
	"disable-component-update":   true,
	"disable-domain-reliability": true,
	"disable-features": "Translate,BlinkGenPropertyTrees,OptimizationHints,MediaRouter,AutofillServerCommunication," +
		"CertificateTransparencyComponentUpdater,HttpsUpgrades",
	// No name resolves but this machine's, and no address is reached but it.
	"host-resolver-rules": "MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
}

// Start runs the Chromium at path until t ends.
func Start(t testing.TB, path string) *Browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.IgnoreCertErrors)
	for name, value := range flags {
		options = append(options, chromedp.Flag(name, value))
	}
	// Not t.Context(): that ends before the cleanup, and the browser would be
	// killed with its pages still open.
	process, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end) // waits until the process is gone
	ctx, closeBrowser := chromedp.NewContext(process)
	t.Cleanup(closeBrowser)
	if err := startWithin(ctx, startPatience); err != nil {
		t.Fatalf("starting %s: %v", path, err)
	}
	return &Browser{ctx}
}

// startWithin starts the browser; the first Do of a context does. It can't be
// given a context with a deadline: the process would live no longer.
func startWithin(ctx context.Context, patience time.Duration) error {
	started := make(chan error, 1)
	go func() { started <- chromedp.Do(ctx) }()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-started:
		return err
	case <-timer.C:
		return context.DeadlineExceeded
	}
}

// Page opens a tab with cookies and storage of its own until t ends. What the
// page complains of, such as a violation of its Content-Security-Policy, is
// logged when t fails and returned by Complaints.
func (b *Browser) Page(t testing.TB) *Page {
	t.Helper()
	ctx, end := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	p := &Page{t: t, ctx: ctx}
	p.listen()
	t.Cleanup(p.show) // before end: the last opened is the first closed
	return p
}

// Pid is the browser's process id.
func (b *Browser) Pid() int { return chromedp.FromContext(b.ctx).Browser.Process().Pid }
