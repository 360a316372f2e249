package crm

import (
	"context"
	"time"

	"github.com/goen-crm/crm/rfm"
)

// An RFMReport scores a shop's customers by recency, frequency and monetary
// value as of a day.
type RFMReport struct {
	AsOf      time.Time
	Customers []RFMCustomer // Customers are those with a purchase by then, in order of key.
	Table     *rfm.Table    // Table has the scale, the classes and the heat map; its Scores are in the order of Customers.
}

// An RFMCustomer is one customer's values, score and class.
type RFMCustomer struct {
	ID     string
	Values rfm.Values
	Score  rfm.Score
	Class  rfm.Class
}

// RFM scores the shop's customers as of an instant, which may lie in the past:
// orders placed, cancelled and refunded after it do not count yet. Recency is
// in whole calendar days of the shop's zone, monetary value in minor units,
// net of refunds. What was bought before goen counts by each customer's
// baseline. A nil config means quintiles and the default classes.
func (s *Shop) RFM(ctx context.Context, asOf time.Time, config *rfm.Config) (*RFMReport, error) {
	report := &RFMReport{AsOf: asOf}
	var values []rfm.Values
	for p, err := range s.everyone(ctx) {
		if err != nil {
			return nil, err
		}
		sum := summarize(p.orders(), p.baseline(), p.d.settings.Currency, asOf)
		if sum.Count == 0 || sum.Last.IsZero() || sum.Last.After(asOf) {
			continue
		}
		v := rfm.Values{Recency: calendarDays(sum.Last, asOf, p.d.zone), Frequency: sum.Count, Monetary: sum.Amount.Minor}
		values = append(values, v)
		report.Customers = append(report.Customers, RFMCustomer{ID: p.key, Values: v})
	}
	table, err := rfm.NewTable(values, config)
	if err != nil {
		return nil, err
	}
	report.Table = table
	for i := range report.Customers {
		report.Customers[i].Score = table.Scores[i]
		report.Customers[i].Class = table.Class(i)
	}
	return report, nil
}

// calendarDays counts the midnights between two instants in a zone.
func calendarDays(from, to time.Time, zone *time.Location) int {
	day := func(t time.Time) time.Time {
		y, m, d := t.In(zone).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(day(to).Sub(day(from)) / (24 * time.Hour))
}
