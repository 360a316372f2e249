package main

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/goen-crm/crm"
)

//go:embed pages
var pageFiles embed.FS

// pages are the pages in each language, by name.
type pages map[string]map[string]*template.Template

// parsePages reads the pages, each within pages/layout.html.
func parsePages() (pages, error) {
	all := make(pages)
	names, err := pageFiles.ReadDir("pages")
	if err != nil {
		return nil, err
	}
	for _, locale := range []string{"ja", "en"} {
		all[locale] = make(map[string]*template.Template)
		for _, file := range names {
			name, isPage := strings.CutSuffix(path.Base(file.Name()), ".html")
			if !isPage || name == "layout" {
				continue
			}
			page, err := template.New("layout.html").Funcs(words(locale)).ParseFS(pageFiles, "pages/layout.html", "pages/"+file.Name())
			if err != nil {
				return nil, fmt.Errorf("page %s: %w", name, err)
			}
			all[locale][name] = page
		}
	}
	return all, nil
}

var tokyo = time.FixedZone("JST", 9*60*60)

// words are what pages call. t picks the visitor's language.
func words(locale string) template.FuncMap {
	t := func(ja, en string) string {
		if locale == "ja" {
			return ja
		}
		return en
	}
	return template.FuncMap{
		"t":       t,
		"yen":     func(n int64) string { return crm.FormatMoney(crm.Yen(n), locale) },
		"when":    func(at time.Time) string { return at.In(tokyo).Format("2006-01-02 15:04") },
		"wording": func() string { return wording[locale] },
		"status": func(s string) string {
			return t(map[string]string{
				"placed": "受付", "paid": "入金済み", "shipped": "発送済み", "delivered": "お届け済み", "cancelled": "キャンセル", "refunded": "返金済み",
			}[s], s)
		},
		"method": func(m string) string {
			return t(map[string]string{"card": "クレジットカード", "bank_transfer": "銀行振込", "cash_on_delivery": "代金引換"}[m],
				map[string]string{"card": "Card", "bank_transfer": "Bank transfer", "cash_on_delivery": "Cash on delivery"}[m])
		},
	}
}

// A page is what a template prints.
type page struct {
	Locale  string
	Account account
	Pieces  int
	Data    any
}

// show answers with a page.
func (s *server) show(w http.ResponseWriter, v *visitor, name string, data any) error {
	return s.showAs(w, http.StatusOK, v, name, data)
}

func (s *server) showAs(w http.ResponseWriter, status int, v *visitor, name string, data any) error {
	var body bytes.Buffer // so that half a page is never sent
	if err := s.pages[v.locale][name].Execute(&body, page{v.locale, v.account, v.pieces, data}); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Vary", "Accept-Language, Cookie")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // she has gone, if it fails
	return nil
}
