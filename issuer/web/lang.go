package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// defaultLanguage is what who asks for none that is here gets; its catalogue has all
// the texts there are.
const defaultLanguage = "en"

//go:embed lang/*.json
var languageFiles embed.FS

// catalogue is the texts of one language, by name. A text may have placeholders, as in
// {client}.
type catalogue map[string]string

var catalogues = mustCatalogues(languageFiles)

// mustCatalogues reads the catalogues; the file's name is the language's tag (RFC
// 5646). They are part of the program: one that can't be read can't be built in.
func mustCatalogues(files fs.FS) map[string]catalogue {
	all := map[string]catalogue{}
	names, err := fs.Glob(files, "lang/*.json")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			panic(err)
		}
		var c catalogue
		if err := json.Unmarshal(raw, &c); err != nil {
			panic(fmt.Sprintf("%s: %v", name, err))
		}
		all[strings.TrimSuffix(path.Base(name), ".json")] = c
	}
	return all
}

// Locales are the languages of the pages, sorted: discovery's ui_locales_supported.
func Locales() []string {
	tags := make([]string, 0, len(catalogues))
	for tag := range catalogues {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	return tags
}

// texts are those of one language.
type texts struct {
	Lang string
	of   catalogue
}

func textsOf(lang string) texts { return texts{lang, catalogues[lang]} }

// T is a text, its placeholders filled from pairs of name and value. What the language
// hasn't is taken from the default one.
func (t texts) T(name string, pairs ...any) string {
	text, ok := t.of[name]
	if !ok {
		text, ok = catalogues[defaultLanguage][name]
	}
	if !ok {
		return name
	}
	if len(pairs) == 0 {
		return text
	}
	fill := make([]string, len(pairs))
	for i, p := range pairs {
		fill[i] = fmt.Sprint(p)
		if i%2 == 0 {
			fill[i] = "{" + fill[i] + "}"
		}
	}
	return strings.NewReplacer(fill...).Replace(text)
}

// has tells whether there is a text of this name.
func (t texts) has(name string) bool {
	_, ok := catalogues[defaultLanguage][name]
	return ok
}

// language chooses the language of a page: the first that is here of those that the
// client asks for (OpenID Connect Core §3.1.2.1, ui_locales), then of those that the
// browser does (RFC 9110 §12.5.4).
func language(locales []string, accept string) string {
	for _, tag := range slices.Concat(locales, accepted(accept)) {
		if found := lookup(tag); found != "" {
			return found
		}
	}
	return defaultLanguage
}

// lookup is RFC 4647 §3.4: the tag, then what is left of it without its last subtag.
func lookup(tag string) string {
	for tag = strings.ToLower(tag); tag != ""; {
		for have := range catalogues {
			if strings.ToLower(have) == tag {
				return have
			}
		}
		i := strings.LastIndexByte(tag, '-')
		tag = tag[:max(i, 0)]
	}
	return ""
}

// maxAccepted is the most languages of a header that are looked at.
const maxAccepted = 16

// accepted are the languages of an Accept-Language header, best first.
func accepted(header string) []string {
	type choice struct {
		tag string
		q   float64
	}
	var all []choice
	for part := range strings.SplitSeq(header, ",") {
		tag, parameter, _ := strings.Cut(strings.TrimSpace(part), ";")
		c := choice{strings.TrimSpace(tag), 1}
		if q, ok := strings.CutPrefix(strings.TrimSpace(parameter), "q="); ok {
			c.q, _ = strconv.ParseFloat(q, 64) // what is no number is the last choice
		}
		if c.q > 0 && len(all) < maxAccepted {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b choice) int { // a stable sort: equals as they stand
		switch {
		case a.q > b.q:
			return -1
		case a.q < b.q:
			return 1
		}
		return 0
	})
	tags := make([]string, len(all))
	for i, c := range all {
		tags[i] = c.tag
	}
	return tags
}
