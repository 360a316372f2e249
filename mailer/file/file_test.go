package file_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/file"
	"github.com/goen-crm/crm/mailer/mailertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	mailertest.Run(t, mailertest.Harness{New: func(t *testing.T) (mailer.Mailer, func() []*mailertest.Delivery) {
		dir := t.TempDir()
		m, err := file.New(dir)
		require.NoError(t, err)
		return m, func() []*mailertest.Delivery {
			var all []*mailertest.Delivery
			for _, name := range emails(t, dir) {
				raw, err := os.ReadFile(filepath.Join(dir, name))
				require.NoError(t, err)
				d, err := mailertest.Parse(raw)
				require.NoError(t, err)
				all = append(all, d)
			}
			return all
		}
	}})
}

// emails returns the names of the mails in dir.
func emails(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".eml") {
			names = append(names, e.Name())
		}
	}
	return names
}

func message(id string) *mailer.Message {
	return &mailer.Message{
		ID:   id,
		From: mailer.Address{Email: "shop@tea.example.jp"}, To: mailer.Address{Email: "hanako@example.jp"},
		Subject: "ご注文の確認", Text: "ありがとうございます。",
		Date: time.Date(2026, 4, 1, 0, 30, 0, 0, time.UTC),
	}
}

func TestSendIsIdempotent(t *testing.T) {
	dir := t.TempDir()
	m, err := file.New(dir)
	require.NoError(t, err)
	msg := message("1.order@tea.example.jp")
	require.NoError(t, m.Send(t.Context(), msg))
	first, err := os.ReadFile(m.Path(msg.ID))
	require.NoError(t, err)

	msg.Subject = "changed"
	require.NoError(t, m.Send(t.Context(), msg))
	again, err := os.ReadFile(m.Path(msg.ID))
	require.NoError(t, err)
	assert.Equal(t, first, again)
	assert.Equal(t, []string{"1.order@tea.example.jp.eml"}, emails(t, dir))

	info, err := os.Stat(m.Path(msg.ID))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestNamesStayInTheDirectory(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "mails")
	m, err := file.New(dir)
	require.NoError(t, err)
	ids := []string{
		"../escape@x", "..", ".", "/etc/passwd", `..\..\escape`, "a/b", "a_b", ".hidden", "C:evil", "UPPER@x", "upper@x",
		"%2e%2e%2f", strings.Repeat("long", 100) + "@x", strings.Repeat("long", 100) + "@y", "a~b", "a|b",
	}
	for _, id := range ids {
		require.NoError(t, m.Send(t.Context(), message(id)), id)
		path := m.Path(id)
		assert.Equal(t, dir, filepath.Dir(path), id)
		assert.LessOrEqual(t, len(filepath.Base(path)), 200, id)
		assert.FileExists(t, path, id)
	}
	assert.Len(t, emails(t, dir), len(ids), "each ID has its own file")
	entries, err := os.ReadDir(parent)
	require.NoError(t, err)
	assert.Len(t, entries, 1)
}

func TestFailureLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	m, err := file.New(dir)
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	err = m.Send(ctx, message("1@x").OnStarted(func(context.Context) error {
		cancel()
		return nil
	}))
	assert.True(t, mailer.IsTemporary(err))
	assert.ErrorIs(t, err, context.Canceled)

	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries, "neither a mail nor a temporary file")

	require.NoError(t, os.Remove(dir))
	err = m.Send(t.Context(), message("1@x"))
	assert.True(t, mailer.IsTemporary(err), "a directory that went away may come back")
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestNewRefuses(t *testing.T) {
	_, err := file.New("")
	require.Error(t, err)
	occupied := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(occupied, nil, 0o600))
	_, err = file.New(occupied)
	require.Error(t, err)
}

func TestRawNeedsAnID(t *testing.T) {
	m, err := file.New(t.TempDir())
	require.NoError(t, err)
	err = m.Send(t.Context(), &mailer.Message{Raw: []byte("Subject: x\r\n\r\nx\r\n")})
	assert.True(t, mailer.IsPermanent(err))
	assert.True(t, errors.Is(err, mailer.ErrInvalid))
}
