package main

import (
	"context"
	"database/sql"
	"errors"
	"net/http"

	"github.com/goen-crm/crm"
)

// A product is a tea on sale, in the visitor's language.
type product struct {
	ID, Title, About string
	Price, Stock     int64
}

// line is n pieces of p as goen is told of them: a snapshot, so that a mail
// about them stays true when the catalogue changes.
func (p product) line(n int, base string) crm.LineItem {
	return crm.Product{
		ID: p.ID, Title: p.Title, Price: crm.Yen(p.Price), URL: base + "/products/" + p.ID,
	}.Line(n)
}

// titled is the column of titles in a language, abouts that of descriptions.
var (
	titled = map[string]string{"ja": "title_ja", "en": "title_en"}
	abouts = map[string]string{"ja": "about_ja", "en": "about_en"}
)

func (d *database) products(ctx context.Context, locale string) ([]product, error) {
	rows, err := d.QueryContext(ctx, `SELECT id, `+titled[locale]+`, `+abouts[locale]+`, price, stock FROM product ORDER BY price`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []product
	for rows.Next() {
		var p product
		if err := rows.Scan(&p.ID, &p.Title, &p.About, &p.Price, &p.Stock); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

func (d *database) product(ctx context.Context, locale, id string) (product, error) {
	var p product
	err := d.QueryRowContext(ctx, `SELECT id, `+titled[locale]+`, `+abouts[locale]+`, price, stock FROM product WHERE id = $1`, id).
		Scan(&p.ID, &p.Title, &p.About, &p.Price, &p.Stock)
	if errors.Is(err, sql.ErrNoRows) {
		return p, errNotFound
	}
	return p, err
}

func (s *server) catalogue(w http.ResponseWriter, r *http.Request, v *visitor) error {
	list, err := s.db.products(r.Context(), v.locale)
	if err != nil {
		return err
	}
	return s.show(w, v, "catalogue", list)
}

func (s *server) product(w http.ResponseWriter, r *http.Request, v *visitor) error {
	p, err := s.db.product(r.Context(), v.locale, r.PathValue("product"))
	if err != nil {
		return err
	}
	return s.show(w, v, "product", p)
}

// stock puts the first teas on the shelf.
func (d *database) stock(ctx context.Context) error {
	for _, p := range [][5]string{
		{"hojicha", "京番茶 ほうじ茶 200g", "Kyoto hojicha, roasted, 200 g", "薪の香り。食後に、眠る前に。", "Smoke and toast. For after a meal, or before bed."},
		{"genmaicha", "玄米茶 150g", "Genmaicha with roasted rice, 150 g", "炒りたての玄米と若葉の煎茶。", "Young sencha and freshly roasted rice."},
		{"sencha", "宇治 煎茶 100g", "Uji sencha, 100 g", "毎朝の一杯に。70℃で一分。", "The cup for every morning. 70 °C, one minute."},
		{"gyokuro", "八女 玉露 50g", "Yame gyokuro, 50 g", "二十日のあいだ日をさえぎった、甘い一滴。", "Shaded for twenty days; sweet to the last drop."},
		{"matcha", "薄茶 抹茶 30g", "Matcha for thin tea, 30 g", "石臼で挽いたその日のうちに缶へ。", "Stone-milled and sealed on the same day."},
	} {
		_, err := d.ExecContext(ctx, `INSERT INTO product (id, title_ja, title_en, about_ja, about_en, price, stock)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			p[0], p[1], p[2], p[3], p[4], prices[p[0]], 100)
		if err != nil {
			return err
		}
	}
	return nil
}

var prices = map[string]int64{"hojicha": 800, "genmaicha": 900, "sencha": 1400, "gyokuro": 2600, "matcha": 3200}
