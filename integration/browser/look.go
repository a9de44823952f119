package browser

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Look is how a page is shown.
type Look struct {
	Width int  // of the window, in CSS pixels
	Dark  bool // whether the person prefers dark colours
}

// minHeight is a window's height: a phone's, so that nothing hides below.
const minHeight = 844

// Show changes how the page, and each that follows in the tab, is shown.
func (p *Page) Show(look Look) {
	p.t.Helper()
	scheme := "light"
	if look.Dark {
		scheme = "dark"
	}
	p.step("changing the look", chromedp.EmulateViewport(int64(look.Width), minHeight),
		func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{
					{Name: "prefers-color-scheme", Value: scheme},
					{Name: "prefers-reduced-motion", Value: "reduce"}, // a picture of a movement is a picture of nothing
				},
			})
			return chromedp.Void{}, err
		})
}

// Screenshot is the whole page as a PNG, as far down as it goes.
func (p *Page) Screenshot() []byte {
	p.t.Helper()
	const png = 100
	picture, err := run(p.ctx, chromedp.FullScreenshot(png))
	if err != nil {
		p.fail("taking a screenshot", err)
	}
	return picture
}

// Language sets the language that the tab says its person prefers, as in "de".
func (p *Page) Language(tag string) {
	p.t.Helper()
	agent := Eval[string](p, "navigator.userAgent")
	p.step("changing the language", func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: tag})
		return chromedp.Void{}, err
	})
}

// Scripts switches the scripts of the tab's pages on or off, as a person may.
func (p *Page) Scripts(on bool) {
	p.t.Helper()
	p.step("switching scripts", func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return chromedp.Void{}, err
	})
}
