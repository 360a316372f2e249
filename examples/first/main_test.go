package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm/mailer/mailertest"
	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

// The program of the README sends its mail, twice if it is run twice. It is run
// as it stands but for the server's address and its clock, which is fast.
func TestProgramSendsItsMail(t *testing.T) {
	received := make(chan *smtptest.Mail, 10)
	server := smtptest.NewServer(&smtptest.Config{Log: func(m *smtptest.Mail) error {
		received <- m
		return nil
	}})
	defer server.Close()

	dir := t.TempDir() // both runs work on one database
	for hour := range 2 {
		run := exec.CommandContext(t.Context(), build(t, dir, server.Addr, hour))
		run.Dir = dir
		require.NoError(t, run.Start())
		select {
		case mail := <-received:
			m, err := mailertest.Parse(mail.Raw)
			require.NoError(t, err)
			assert.Equal(t, "ご注文ありがとうございます", m.Subject)
			assert.Contains(t, m.Text, "煎茶 2,400円")
		case <-time.After(30 * time.Second):
			t.Error("no mail came")
		}
		_ = run.Process.Kill()
		_ = run.Wait()
	}
}

// build builds the program for a server, with a clock that begins some hours
// from now and goes a hundred times as fast.
func build(t *testing.T, dir, addr string, hours int) (binary string) {
	t.Helper()
	source, err := os.ReadFile("main.go")
	require.NoError(t, err)
	program := string(source)
	for _, swap := range [][2]string{
		{`"localhost:1025"`, strconv.Quote(addr)},
		{`, nil)), nil))`, `, nil)), &crm.Config{Poll: 10 * time.Millisecond, Clock: fast}))`},
		{`now, id := time.Now(), time.Now()`, `now, id := fast(), fast()`},
		{"func main() {", fmt.Sprintf("var start = time.Now()\n\nfunc fast() time.Time { return start.Add(%d*time.Hour + 100*time.Since(start)) }\n\nfunc main() {", hours)},
	} {
		require.Equal(t, 1, strings.Count(program, swap[0]), "main.go has %s once", swap[0])
		program = strings.Replace(program, swap[0], swap[1], 1)
	}
	main, err := filepath.Abs("main.go")
	require.NoError(t, err)
	changed := filepath.Join(dir, "main.go")
	require.NoError(t, os.WriteFile(changed, []byte(program), 0o600))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{main: changed}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600))
	binary = filepath.Join(dir, "first.exe")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return binary
}
