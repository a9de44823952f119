package client

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Title is what a client is called on a page: its name, or its id where it has none that
// one could read.
func (c Client) Title() string {
	if c.Name == "" || badName(c.Name) != "" { // registered before there were these rules
		return string(c.ID)
	}
	return c.Name
}

// badName keeps out what would let a name pretend to be another, or none, on the page of
// consent: control characters, those that turn the writing direction (Unicode TR 36
// §2.5), and those that can't be seen, alone or beside others. No name at all is fine.
func badName(name string) string {
	switch {
	case utf8.RuneCountInString(name) > maxName || !utf8.ValidString(name):
		return fmt.Sprintf("at most %d characters of UTF-8", maxName)
	case hasUnseen(name):
		return "only characters that can be seen"
	case name != "" && !strings.ContainsFunc(name, readable):
		return "at least one letter, digit or symbol"
	}
	return ""
}

// hasUnseen tells whether a text has a character that nobody sees. IsPrint knows controls,
// formats (zero width, bidi) and blanks other than the plain one; letters, marks and
// symbols that show nothing are in tables. A mark that chooses the form of a symbol or
// ideograph before it is seen by that.
func hasUnseen(text string) bool {
	var before rune
	for _, r := range text {
		chooses := unicode.Is(unicode.Variation_Selector, r) && unicode.In(before, unicode.So, unicode.Han, unicode.Mongolian)
		if !unicode.IsPrint(r) || unicode.In(r, unseen...) && !chooses {
			return true
		}
		before = r
	}
	return false
}

var unseen = []*unicode.RangeTable{unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, blank}

// blank are those that a font draws nothing for and Unicode doesn't count among the
// ignorable: U+2800 and the like. U+FFFC stands for something else that isn't there.
var blank = &unicode.RangeTable{
	R16: []unicode.Range16{{Lo: 0x2800, Hi: 0x2800, Stride: 1}, {Lo: 0xfffc, Hi: 0xfffc, Stride: 1}},
	R32: []unicode.Range32{{Lo: 0x13441, Hi: 0x13442, Stride: 1}, {Lo: 0x16fe4, Hi: 0x16fe4, Stride: 1}, {Lo: 0x1d159, Hi: 0x1d159, Stride: 1}},
}

// readable tells whether a character stands for itself: a name of marks and punctuation
// alone is none.
func readable(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.S) }
