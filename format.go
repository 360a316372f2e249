package crm

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// FormatMoney writes an amount for readers of a locale: "1,200円" in Japanese,
// "¥1,200" or "£12.34" in English.
func FormatMoney(m Money, locale string) string {
	tag := language.Make(locale)
	digits, err := currencyDigits(m.Currency)
	if err != nil {
		digits = 0
	}
	amount := message.NewPrinter(tag).Sprint(number.Decimal(m.Decimal().InexactFloat64(), number.Scale(digits)))
	if err != nil {
		return amount
	}
	if m.Currency == "JPY" && isJapanese(locale) {
		return amount + "円"
	}
	sign := ""
	if m.Minor < 0 {
		sign, amount = "-", strings.TrimPrefix(amount, "-")
	}
	symbol := fmt.Sprint(currency.NarrowSymbol(currency.MustParseISO(m.Currency)))
	if symbol == m.Currency {
		symbol += " "
	}
	return sign + symbol + amount
}

// FormatDate writes a day for readers of a locale: "12月1日(水)" in Japanese,
// "Wednesday, 1 December" in English and wherever goen has no better.
func FormatDate(t time.Time, locale string) string {
	if isJapanese(locale) {
		return fmt.Sprintf("%d月%d日(%s)", t.Month(), t.Day(), []string{"日", "月", "火", "水", "木", "金", "土"}[t.Weekday()])
	}
	return t.Format("Monday, 2 January")
}

// FormatName addresses a customer: "山田 花子 様" in Japanese, or "お客様" if her
// name is not known; the given name in English, or "there", as in "Hi there".
func FormatName(p Profile, locale string) string {
	if isJapanese(locale) {
		name := strings.TrimSpace(p.FamilyName + " " + p.GivenName)
		if name == "" {
			return "お客様"
		}
		return name + " 様"
	}
	switch {
	case p.GivenName != "":
		return p.GivenName
	case p.FamilyName != "":
		return p.FamilyName
	}
	return "there"
}

func isJapanese(locale string) bool { return locale == "ja" || languageOf(locale) == "ja" }

// languageOf is the language of a locale, "ja" for "ja-JP".
func languageOf(locale string) string {
	base, _ := language.Make(locale).Base()
	return base.String()
}
