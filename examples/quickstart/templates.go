package main

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/goen-crm/crm"
)

// The mails are files: templates/cart-reminder.ja.txt is "cart-reminder" in
// Japanese. Each holds a subject, the text and what goes into layout.html.
//
//go:embed templates
var templateFiles embed.FS

// classes says what each mail is. A new file without a class is an error.
var classes = map[string]crm.Class{
	"first-thanks":   crm.Service,
	"first-care":     crm.Service,
	"f2-next":        crm.Marketing,
	"f2-pairing":     crm.Marketing,
	"f2-coupon":      crm.Marketing,
	"cart-reminder":  crm.Marketing,
	"cart-questions": crm.Marketing,
	"cart-gold":      crm.Marketing,
	"cart-coupon":    crm.Marketing,
	"rank-up":        crm.Marketing,
}

// readTemplates returns all mails in order of id.
func readTemplates() ([]crm.Template, error) {
	layout, err := templateFiles.ReadFile("templates/layout.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(templateFiles, "templates/*.txt")
	if err != nil {
		return nil, err
	}
	byID := make(map[string]crm.Template)
	for _, name := range names {
		file, err := templateFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		id, locale, _ := strings.Cut(strings.TrimSuffix(path.Base(name), ".txt"), ".")
		words, err := readWords(string(file), string(layout))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		t, ok := byID[id]
		if !ok {
			t = crm.Template{ID: id, Class: classes[id], Locales: make(map[string]crm.Words)}
		}
		t.Locales[locale] = words
		byID[id] = t
	}
	var list []crm.Template
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		list = append(list, byID[id])
	}
	return list, nil
}

// readWords takes a file apart: the subject, a line "-- text --", the text, a
// line "-- html --" and the HTML between head and foot of the layout.
func readWords(file, layout string) (crm.Words, error) {
	file = strings.ReplaceAll(file, "\r\n", "\n")
	subject, rest, hasText := strings.Cut(file, "\n-- text --\n")
	text, html, hasHTML := strings.Cut(rest, "\n-- html --\n")
	if !hasText || !hasHTML {
		return crm.Words{}, fmt.Errorf("has no text or no html section")
	}
	return crm.Words{
		Subject: strings.TrimSpace(subject),
		Text:    text,
		HTML:    layout + `{{define "content"}}` + html + `{{end}}`,
	}, nil
}
