package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Page is one tab. Its methods end the test when they fail; they may be called
// from the test's goroutine only.
type Page struct {
	t   testing.TB
	ctx context.Context

	mu         sync.Mutex // guards complaints
	complaints []string
}

// Go opens url and returns when what it led to has loaded.
func (p *Page) Go(url string) {
	p.t.Helper()
	p.step("going to "+url, chromedp.Navigate(url))
}

// Reload loads the page again.
func (p *Page) Reload() {
	p.t.Helper()
	p.step("reloading", chromedp.Reload())
}

// Fill replaces the text of the field with this id, as typed on a keyboard.
func (p *Page) Fill(id, text string) {
	p.t.Helper()
	field := chromedp.ID(id)
	p.step("filling in "+id, chromedp.Clear(field), chromedp.SendKeys(field, text))
}

// Press types on the keyboard, into whatever has the focus.
func (p *Page) Press(keys string) {
	p.t.Helper()
	p.step(fmt.Sprintf("pressing %q", keys), chromedp.KeyEvent(keys))
}

// Click clicks the element with this id with the mouse and returns when a page
// has loaded that follows it. Where that page goes on by itself, WaitURL waits
// for the last.
func (p *Page) Click(id string) {
	p.t.Helper()
	p.step("clicking "+id, andLoad(chromedp.Steps(chromedp.WaitVisible(chromedp.ID(id)), chromedp.Click(chromedp.ID(id)))))
}

// Enter presses the enter key and returns when a page has loaded that follows it.
func (p *Page) Enter() {
	p.t.Helper()
	p.step("pressing enter", andLoad(chromedp.KeyEvent(kb.Enter)))
}

// andLoad does something and waits until a page has loaded after it.
func andLoad(do chromedp.Action[chromedp.Void]) chromedp.Action[chromedp.Void] {
	loaded := chromedp.WaitEvent(page.LoadEventFired, nil, do)
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := loaded(ctx, t)
		return chromedp.Void{}, err
	}
}

// Tab presses the tabulator.
func (p *Page) Tab() {
	p.t.Helper()
	p.Press(kb.Tab)
}

// Tick clicks the element with this id where no page follows.
func (p *Page) Tick(id string) {
	p.t.Helper()
	p.step("ticking "+id, chromedp.Click(chromedp.ID(id)))
}

// WaitURL waits until the browser is at an address that begins with prefix.
func (p *Page) WaitURL(prefix string) {
	p.t.Helper()
	p.wait("the address "+prefix+"…", func() bool { return strings.HasPrefix(p.URL(), prefix) })
}

// WaitFor waits until the page has an element with this id.
func (p *Page) WaitFor(id string) {
	p.t.Helper()
	p.wait("the element "+id, func() bool { return p.Has(id) })
}

func (p *Page) wait(what string, there func() bool) {
	p.t.Helper()
	deadline := time.Now().Add(stepPatience)
	for !there() {
		if time.Now().After(deadline) {
			p.fail("waiting for "+what, context.DeadlineExceeded)
		}
		time.Sleep(pollEvery)
	}
}

// URL is the address that the browser shows.
func (p *Page) URL() string {
	p.t.Helper()
	url, err := run(p.ctx, chromedp.Location())
	if err != nil {
		p.fail("reading the address", err)
	}
	return url
}

// Has reports whether the page has an element with this id now.
func (p *Page) Has(id string) bool {
	p.t.Helper()
	return Eval[bool](p, "document.getElementById("+quote(id)+") !== null")
}

// Text is the text of the element with this id as a person sees it, once there
// is one.
func (p *Page) Text(id string) string {
	p.t.Helper()
	p.WaitFor(id)
	return Eval[string](p, "document.getElementById("+quote(id)+").innerText")
}

// Body is all the text of the page as a person sees it.
func (p *Page) Body() string {
	p.t.Helper()
	return Eval[string](p, bodyText)
}

const bodyText = "document.body ? document.body.innerText : ''"

// Eval runs a JavaScript expression on the page and decodes what it, or the
// promise it is, comes to. No policy of the page forbids it. A document that
// was just being replaced is asked again.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	var err error
	for range 5 {
		var value T
		if value, err = run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise)); err == nil {
			return value
		}
		if thrown := (*chromedp.ExceptionError)(nil); errors.As(err, &thrown) {
			break
		}
		time.Sleep(pollEvery)
	}
	p.fail("running "+shortened(expression), err)
	panic("unreachable")
}

// step runs actions within the patience of a step.
func (p *Page) step(what string, actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if _, err := run(p.ctx, chromedp.Steps(actions...)); err != nil {
		p.fail(what, err)
	}
}

func run[T any](ctx context.Context, action chromedp.Action[T]) (T, error) {
	// The first call of a page opens it, and it would end with that call's
	// deadline: so it is opened without one.
	if err := chromedp.Do(ctx); err != nil {
		return *new(T), err
	}
	ctx, cancel := context.WithTimeout(ctx, stepPatience)
	defer cancel()
	return chromedp.Run(ctx, action)
}

// fail ends the test and says where the browser was.
func (p *Page) fail(what string, err error) {
	p.t.Helper()
	url, _ := run(p.ctx, chromedp.Location())
	body, _ := run(p.ctx, chromedp.Evaluate[string](bodyText))
	p.t.Fatalf("browser: %s: %v\nat %s:\n%s", what, err, url, body)
}

// listen collects what the page complains of.
func (p *Page) listen() {
	if err := chromedp.Do(p.ctx); err != nil {
		p.t.Fatalf("browser: opening a page: %v", err)
	}
	messages := chromedp.Console(p.ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return // the page is closed
			}
			if m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleException {
				p.mu.Lock()
				p.complaints = append(p.complaints, m.String())
				p.mu.Unlock()
			}
		}
	}()
}

// Complaints are the errors on the page's console so far, and exceptions.
func (p *Page) Complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.complaints)
}

func (p *Page) show() {
	if p.t.Failed() {
		p.t.Logf("browser: the console says: %q", p.Complaints())
	}
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string always has a JSON form, which JavaScript reads
	return string(b)
}

func shortened(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}
