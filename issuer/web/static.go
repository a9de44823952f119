package web

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"math"
	"net/http"
	"strconv"
)

//go:embed style.css
var styleSheet string

// defaultColor is the brand's where none is set.
const defaultColor = "#1d4ed8"

// style is the stylesheet with the brand's colours in it, and the mark that stands for
// a brand without a logo. Each has its hash in its path, so that caches may keep it for
// good and never keep a wrong one; under a policy without inline styles the colours
// have no other way to the page.
type style struct {
	path, iconPath string
	files          map[string]file
}

type file struct {
	media string
	body  []byte
}

func newStyle(brand string) style {
	c, ok := parseColor(brand)
	if !ok {
		c, _ = parseColor(defaultColor)
	}
	sheet := fmt.Sprintf(":root{--brand:%s;--brand-dim:%s}\n", c, c.on(darkPage)) + styleSheet
	s := style{files: map[string]file{}}
	s.path = s.add("style", "css", "text/css; charset=utf-8", sheet)
	s.iconPath = s.add("mark", "svg", "image/svg+xml", fmt.Sprintf(mark, c))
	return s
}

// mark is a signet ring, from above.
const mark = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="%s"/>` +
	`<circle cx="16" cy="18.5" r="7" fill="none" stroke="#fff" stroke-width="2.5"/><path d="M16 5l5 5-5 5-5-5z" fill="#fff"/></svg>` + "\n"

func (s style) add(name, ext, media, body string) (path string) {
	sum := sha256.Sum256([]byte(body))
	name += "." + hex.EncodeToString(sum[:8]) + "." + ext
	s.files[name] = file{media, []byte(body)}
	return pathStatic + name
}

// Static serves the stylesheet and the mark.
func (web *Web) Static(w http.ResponseWriter, r *http.Request) error {
	f, ok := web.style.files[r.PathValue("file")]
	if !ok {
		return web.NotFound(w, r)
	}
	h := w.Header()
	h.Set("Content-Type", f.media)
	h.Set("Content-Length", strconv.Itoa(len(f.body)))
	h.Set("Cache-Control", "public, max-age=31536000, immutable") // another body has another path
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(f.body) // a client that left needs no answer
	return nil
}

// color is sRGB, each channel 0 to 1.
type color [3]float64

// darkPage is the background of a card in the dark, as in style.css.
var darkPage = color{0x1c / 255., 0x1f / 255., 0x26 / 255.}

func parseColor(s string) (c color, ok bool) {
	if len(s) != 7 || s[0] != '#' {
		return c, false
	}
	rgb, err := strconv.ParseUint(s[1:], 16, 24)
	for i := range c {
		c[i] = float64(rgb>>(16-8*i)&0xff) / 255
	}
	return c, err == nil
}

func (c color) String() string {
	return fmt.Sprintf("#%02x%02x%02x", byte(c[0]*255+.5), byte(c[1]*255+.5), byte(c[2]*255+.5))
}

// enough is WCAG 2.2's contrast of text (§1.4.6, the stricter), which leaves room for
// rounding.
const enough = 7

// on is the colour mixed with so much white that it can be read on a dark ground.
func (c color) on(ground color) color {
	for step := range 101 {
		mixed := c.lighter(float64(step) / 100)
		if contrast(mixed, ground) >= enough {
			return mixed
		}
	}
	return color{1, 1, 1}
}

func (c color) lighter(by float64) (out color) {
	for i := range c {
		out[i] = c[i] + (1-c[i])*by
	}
	return out
}

// contrast is that of WCAG 2.2: 1 to 21.
func contrast(a, b color) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func (c color) luminance() float64 {
	linear := func(v float64) float64 {
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}
