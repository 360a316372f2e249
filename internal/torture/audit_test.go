package torture_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/internal/torture"
	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

// TestAuditNotices falsifies what the sink remembers of a peaceful run: an
// audit that finds nothing there would find nothing after a kill either.
func TestAuditNotices(t *testing.T) {
	ledger := torture.NewLedger(40)
	d := &torture.Driver{Database: filepath.Join(t.TempDir(), "shop.db"), Ledger: ledger, Workers: 1, Connections: 2}
	if err := d.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	transactional, marketing, optedOut := ledger.Entries[0], ledger.Entries[3], ledger.Entries[1]
	if transactional.Class != crm.Transactional || marketing.Class != crm.Marketing || !optedOut.OptedOut {
		t.Fatal("the ledger is not what this test believes")
	}
	accepted := func(e torture.Entry) func(torture.Event) bool {
		return func(event torture.Event) bool { return event.Phase == torture.Accepted && event.To == e.Address }
	}
	again := func(events []torture.Event, e torture.Entry, change func(*torture.Event)) []torture.Event {
		event := events[slices.IndexFunc(events, accepted(e))]
		change(&event)
		return append(events, event)
	}
	for name, test := range map[string]struct {
		falsify func([]torture.Event) []torture.Event
		want    string // a violation, "" for none
	}{
		"nothing": {func(events []torture.Event) []torture.Event { return events }, ""},
		"a mail that is lost": {func(events []torture.Event) []torture.Event {
			return slices.DeleteFunc(events, accepted(marketing))
		}, marketing.Customer + ": lost"},
		"marketing twice": {func(events []torture.Event) []torture.Event {
			return again(events, marketing, func(*torture.Event) {})
		}, marketing.Customer + ": a marketing mail arrived twice"},
		"transactional twice, for no reason": {func(events []torture.Event) []torture.Event {
			return again(events, transactional, func(*torture.Event) {})
		}, transactional.Customer + ": a transactional mail arrived twice, with 0 attempts unknown"},
		"other bytes": {func(events []torture.Event) []torture.Event {
			return again(events, transactional, func(e *torture.Event) { e.Sum[0]++ })
		}, transactional.Customer + ": the second mail is not the first"},
		"another id": {func(events []torture.Event) []torture.Event {
			return again(events, transactional, func(e *torture.Event) { e.ID = "x@tea.example.jp" })
		}, transactional.Customer + ": a mail arrived with id x@"},
		"an attempt that is not listed": {func(events []torture.Event) []torture.Event {
			return again(events, marketing, func(e *torture.Event) { e.Phase = smtptest.PhaseData })
		}, marketing.Customer + ": of 2 attempts, 1 are known and 0 listed"},
		"a mail to who opted out": {func(events []torture.Event) []torture.Event {
			return again(events, marketing, func(e *torture.Event) { e.Phase, e.To = smtptest.PhaseData, optedOut.Address })
		}, optedOut.Customer + " opted out"},
		"a mail to nobody": {func(events []torture.Event) []torture.Event {
			return again(events, marketing, func(e *torture.Event) { e.To = "stranger@example.jp" })
		}, "stranger@example.jp"},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := torture.Audit(t.Context(), d.Shop, ledger, test.falsify(d.Events()), 0, 2)
			if err != nil {
				t.Fatal(err)
			}
			found := slices.ContainsFunc(report.Violations, func(v string) bool { return strings.HasPrefix(v, test.want) })
			if test.want == "" && len(report.Violations) > 0 || test.want != "" && !found {
				t.Errorf("violations are %q, want %q", report.Violations, test.want)
			}
		})
	}
}
