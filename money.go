package crm

import (
	"fmt"
	"math"

	"github.com/shopspring/decimal"
	"golang.org/x/text/currency"
)

// Money is an amount in a currency, counted in the currency's minor unit: yen
// have none, so ¥1,200 is 1200 JPY; $12.00 is 1200 USD. The zero Money is
// nothing in no currency, and adds to any.
type Money struct {
	Minor    int64  `json:"minor"`
	Currency string `json:"currency,omitempty"` // Currency is an ISO 4217 code in capitals.
}

// Yen returns n Japanese yen.
func Yen(n int64) Money { return Money{Minor: n, Currency: "JPY"} }

// NewMoney converts an amount such as 12.34 to minor units. It fails if the
// currency is not known, or if the amount has more decimals than the currency
// or does not fit.
func NewMoney(amount decimal.Decimal, code string) (Money, error) {
	digits, err := currencyDigits(code)
	if err != nil {
		return Money{}, &FieldError{Field: "Currency", Err: ErrCurrency}
	}
	if amount.IsZero() {
		return Money{Currency: code}, nil
	}
	if amount.Exponent() > maxExponent { // too large to write out
		return Money{}, &FieldError{Field: "Amount", Err: ErrRange}
	}
	if amount.Exponent() < -maxExponent || !amount.Shift(int32(digits)).IsInteger() {
		return Money{}, &FieldError{Field: "Amount", Problem: "has more decimals than the currency", Err: ErrRange}
	}
	minor := amount.Shift(int32(digits))
	if !minor.BigInt().IsInt64() {
		return Money{}, &FieldError{Field: "Amount", Err: ErrRange}
	}
	return Money{Minor: minor.IntPart(), Currency: code}, nil
}

// Decimal returns the amount in the currency's major unit: 12.34 for 1234 USD.
// An unknown currency counts as one without minor units.
func (m Money) Decimal() decimal.Decimal {
	digits, err := currencyDigits(m.Currency)
	if err != nil {
		digits = 0
	}
	return decimal.New(m.Minor, int32(-digits))
}

// String returns the amount and its code, "12.34 USD". For readers of a
// certain locale, see [FormatMoney].
func (m Money) String() string {
	digits, err := currencyDigits(m.Currency)
	if err != nil {
		return m.Decimal().String()
	}
	return m.Decimal().StringFixed(int32(digits)) + " " + m.Currency
}

// IsZero reports whether m is no money at all, whatever the currency.
func (m Money) IsZero() bool { return m.Minor == 0 }

// Validate reports a currency that is not known, or amounts beyond ±10¹⁵ minor
// units, which keeps every sum that goen makes inside an int64.
func (m Money) Validate() error {
	var c check
	c.money("Money", m)
	return c.err()
}

func currencyDigits(code string) (int, error) {
	if len(code) != 3 {
		return 0, fmt.Errorf("crm: %w", ErrCurrency)
	}
	for i := range 3 { // ParseISO takes lower case too; one spelling is stored.
		if code[i] < 'A' || code[i] > 'Z' {
			return 0, fmt.Errorf("crm: %w", ErrCurrency)
		}
	}
	unit, err := currency.ParseISO(code)
	if err != nil {
		return 0, fmt.Errorf("crm: %w", ErrCurrency)
	}
	digits, _ := currency.Standard.Rounding(unit)
	return digits, nil
}

// maxMinor bounds one amount; a thousand lines of a thousand pieces still fit.
const maxMinor = 1_000_000_000_000_000

// times returns m × n, or false if that leaves the range of an amount.
func (m Money) times(n int) (Money, bool) {
	if n != 0 && (m.Minor > math.MaxInt64/int64(n) || m.Minor < math.MinInt64/int64(n)) {
		return Money{}, false
	}
	m.Minor *= int64(n)
	return m, m.Minor <= maxMinor && m.Minor >= -maxMinor
}
