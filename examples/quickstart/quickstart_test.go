package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

// TestMain lets the test binary be the child that the program starts.
func TestMain(m *testing.M) {
	if text := os.Getenv(childEnv); text != "" {
		if err := beChild(context.Background(), text, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// outcome runs the program with -json and returns what it printed, which must
// be one object, with the seconds taken out.
func outcome(t *testing.T, args ...string) (figures, string) {
	t.Helper()
	var out bytes.Buffer
	if err := run(t.Context(), append(args, "-json"), &out); err != nil {
		t.Fatal(err)
	}
	var f figures
	d := json.NewDecoder(&out)
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		t.Fatal(err)
	}
	if d.More() {
		t.Error("more than one JSON value was printed")
	}
	f.Seconds = 0
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return f, string(text)
}

// slow skips a test that replays the whole year where that takes long.
func slow(t *testing.T) {
	t.Helper()
	if testing.Short() || raceDetector {
		t.Skip("replays the whole year")
	}
}

// few writes a data file with one customer of eight.
func few(t *testing.T) string {
	t.Helper()
	zipped, err := gzip.NewReader(bytes.NewReader(embedded))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(zipped).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := slices.Index(rows[0], "CustomerID")
	chosen := slices.DeleteFunc(rows[1:], func(row []string) bool { return chance(8, row[column]) != 0 })
	name := filepath.Join(t.TempDir(), "few.csv")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := csv.NewWriter(file).WriteAll(append(rows[:1], chosen...)); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestFew tells the story of a few customers. run itself checks the promises.
func TestFew(t *testing.T) {
	f, text := outcome(t, "-data", few(t), "-lang", "en", "-seed", "4")
	t.Log(text)
	if f.Customers < 30 || f.Customers > 60 || f.Sent < 150 || f.Kills == 0 {
		t.Errorf("%d customers, %d mails, %d kills", f.Customers, f.Sent, f.Kills)
	}
}

func TestPromises(t *testing.T) {
	slow(t)
	f, text := outcome(t)
	t.Log(text)
	if f.Customers != 348 || f.Orders != 1346 {
		t.Errorf("%d customers with %d orders, want 348 with 1346", f.Customers, f.Orders)
	}
	if f.Sent < 200 || *f.Received != f.Sent {
		t.Errorf("%d sent, %d received; want the same number, 200 or more", f.Sent, *f.Received)
	}
	if *f.Duplicates != 0 || *f.Lost != 0 || f.Unknown != 0 {
		t.Errorf("%d twice, %d lost, %d unknown; want none", *f.Duplicates, *f.Lost, f.Unknown)
	}
	if f.Kills != 3 || f.Resolved != 1 {
		t.Errorf("%d kills and %d mails resolved, want 3 and 1", f.Kills, f.Resolved)
	}
	if f.Withheld == 0 {
		t.Error("no mail was withheld")
	}
	if len(f.RFM) != 11 || len(f.Ranks) != 4 {
		t.Errorf("%d classes and %d ranks, want 11 and 4", len(f.RFM), len(f.Ranks))
	}
}

// TestKillsChangeNothing compares a run with kills at other moments, and one
// without any, to the usual figures.
func TestKillsChangeNothing(t *testing.T) {
	slow(t)
	_, want := outcome(t)
	seed := fmt.Sprint(rand.Uint64())
	if _, got := outcome(t, "-seed", seed); got != want {
		t.Errorf("with seed %s:\n got %s\nwant %s", seed, got, want)
	}
	server := smtptest.NewServer(nil)
	defer server.Close()
	calm, _ := outcome(t, "-smtp", server.Addr)
	if calm.Received != nil || calm.Sent != server.Len() {
		t.Errorf("%d sent to somebody else's server, which got %d", calm.Sent, server.Len())
	}
	zero, sent := 0, calm.Sent
	calm.Received, calm.Duplicates, calm.Lost, calm.Kills, calm.Resolved = &sent, &zero, &zero, 3, 1
	if got, _ := json.Marshal(calm); string(got) != want {
		t.Errorf("without kills:\n got %s\nwant %s", got, want)
	}
}

// TestOutput runs the whole show in both languages.
func TestOutput(t *testing.T) {
	slow(t)
	t.Setenv("TMPDIR", t.TempDir())
	for _, lang := range []string{"ja", "en"} {
		t.Run(lang, func(t *testing.T) {
			var out bytes.Buffer
			database := filepath.Join(t.TempDir(), "shop.db")
			if err := run(t.Context(), []string{"-lang", lang, "-db", database}, &out); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(out.String()) {
				if line = strings.TrimRight(line, "\n"); columns(line) > 100 && !strings.Contains(line, os.TempDir()) {
					t.Errorf("%d columns: %s", columns(line), line)
				}
			}
			if strings.Contains(out.String(), "\x1b") || strings.Contains(out.String(), "%!") {
				t.Errorf("colours or broken formats:\n%s", out.String())
			}
			if _, err := os.Stat(database); err != nil {
				t.Error(err)
			}
			if err := run(t.Context(), []string{"-db", database}, &out); err == nil {
				t.Error("a database that is there already was taken")
			}
			samples(t)
		})
	}
}

// samples checks the mails that were kept.
func samples(t *testing.T) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(os.TempDir(), "goen-mails-*", "*.eml"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%d mails kept, %v", len(names), err)
	}
	for _, name := range names {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(file)
		_ = file.Close()
		if err != nil || m.Header.Get("List-Unsubscribe") == "" {
			t.Errorf("%s: %v, or no way to opt out", name, err)
		}
	}
}

func TestTemplates(t *testing.T) {
	templates, err := readTemplates()
	if err != nil {
		t.Fatal(err)
	}
	if len(templates) != len(classes) {
		t.Errorf("%d templates, %d classes", len(templates), len(classes))
	}
	for _, template := range templates {
		if err := template.Validate(); err != nil {
			t.Error(err)
		}
		for _, lang := range []string{"ja", "en"} {
			if words := template.Locales[lang]; !strings.Contains(words.Text, `{{template "legal" .}}`) {
				t.Errorf("%s.%s has no text or no legal footer", template.ID, lang)
			}
		}
	}
}

func TestCancelled(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	// With -data the folder is under TMPDIR, and not in memory.
	if err := run(ctx, []string{"-json", "-data", "testdata/online_retail.csv.gz"}, new(bytes.Buffer)); err == nil {
		t.Error("a cancelled run ended without an error")
	}
	if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{{"-lang", "fr"}, {"more"}, {"-data", "missing.csv"}} {
		if err := run(t.Context(), args, new(bytes.Buffer)); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}
