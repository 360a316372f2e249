package main

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm/internal/dbtest"
	"github.com/goen-crm/crm/mailer/mailertest"
	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

// A sidecar is the program at work.
type sidecar struct {
	url   string
	cmd   *exec.Cmd
	mails chan *mailertest.Delivery
}

// start builds and starts the program, and stops it after the test.
func start(t *testing.T, store, dsn string) *sidecar {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and runs the program")
	}
	s := &sidecar{mails: make(chan *mailertest.Delivery, 10)}
	relay := smtptest.NewServer(&smtptest.Config{Log: func(m *smtptest.Mail) error {
		mail, err := mailertest.Parse(m.Raw)
		s.mails <- mail
		return err
	}})
	t.Cleanup(relay.Close)
	binary := filepath.Join(t.TempDir(), "sidecar.exe")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)

	s.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), binary, // it is stopped after the test
		"-listen", "127.0.0.1:0", "-store", store, "-shops", "shops.example.json", "-smtp", relay.Addr)
	s.cmd.Env = append(os.Environ(), "TOKYO_TEA_KEY="+teaKey, "GOEN_DSN="+dsn, "GOEN_STORE=not this one")
	stderr, err := s.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, s.cmd.Start())
	log := bufio.NewReader(stderr)
	t.Cleanup(func() { s.stop(t, log) })
	s.url = "http://" + listening(t, log)
	return s
}

// listening waits for the address in the program's log.
func listening(t *testing.T, log *bufio.Reader) string {
	t.Helper()
	for {
		line, err := log.ReadString('\n')
		if found := regexp.MustCompile(`listening.* addr=(\S+)`).FindStringSubmatch(line); found != nil {
			return found[1]
		}
		require.NoError(t, err, "the sidecar did not start: %s", line)
	}
}

// stop asks the program to end, which it does in good order.
func (s *sidecar) stop(t *testing.T, log io.Reader) {
	if runtime.GOOS == "windows" { // has no such signal
		assert.NoError(t, s.cmd.Process.Kill())
		_ = s.cmd.Wait()
		return
	}
	assert.NoError(t, s.cmd.Process.Signal(os.Interrupt))
	rest, err := io.ReadAll(log)
	assert.NoError(t, err)
	assert.NoError(t, s.cmd.Wait(), "%s", rest)
	assert.Empty(t, string(rest), "nothing went wrong")
}

// mail waits for a mail about an order.
func (s *sidecar) mail(t *testing.T, order string) {
	t.Helper()
	select {
	case m := <-s.mails:
		assert.Equal(t, "ご注文ありがとうございます（"+order+"）", m.Subject)
		assert.Contains(t, m.Text, "煎茶 × 2 2,400円")
	case <-time.After(time.Minute):
		t.Fatalf("no mail about order %s came", order)
	}
}

func order(id string, at time.Time) string {
	return fmt.Sprintf(`{"id": "order-%[1]s", "type": "order_saved", "time": %[2]q, "email": "%[1]s@example.jp", "data": {"id": %[1]q,
		"lines": [{"product": "sencha", "title": "煎茶", "quantity": 2, "price": {"minor": 1200, "currency": "JPY"}}]}}`,
		id, at.Format(time.RFC3339Nano))
}

func (s *sidecar) post(t *testing.T, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/facts", strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+teaKey)
	w, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer w.Body.Close()
	return w.StatusCode
}

// The program takes facts by each of its doors, and the mails go out.
func TestSidecar(t *testing.T) {
	file := filepath.Join(t.TempDir(), "goen.db")
	s := start(t, "sqlite", file)

	t.Run("health", func(t *testing.T) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/healthz", nil)
		require.NoError(t, err)
		w, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer w.Body.Close()
		assert.Equal(t, http.StatusOK, w.StatusCode)
	})
	t.Run("HTTP", func(t *testing.T) {
		body := order("http", time.Now())
		for range 2 { // the second tells the same
			assert.Equal(t, http.StatusOK, s.post(t, "["+body+"]"))
		}
		s.mail(t, "http")
		assert.Equal(t, http.StatusConflict, s.post(t, order("http", time.Now().Add(time.Minute))))
	})
	t.Run("table", func(t *testing.T) {
		db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)&_txlock=immediate")
		require.NoError(t, err)
		defer db.Close()
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(t.Context(), `INSERT INTO goen_incoming (shop_id, body) VALUES (?, ?)`, "tokyo-tea", order("table", time.Now()))
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		s.mail(t, "table")
	})
	for _, snippet := range []struct{ name, program, script string }{
		{"Node", "node", "node/record.mjs"},
		{"PHP over HTTP", "php", "php/record.php"},
		{"PHP by the table", "php", "php/insert.php"},
	} {
		t.Run(snippet.name, func(t *testing.T) { s.snippet(t, snippet.program, snippet.script, "DSN=sqlite:"+file) })
	}
}

func TestSidecarOnPostgres(t *testing.T) {
	dsn, err := dbtest.Postgres(t).Database(t.Context())
	require.NoError(t, err)
	s := start(t, "postgres", dsn)
	assert.Equal(t, http.StatusOK, s.post(t, order("http", time.Now())))
	s.mail(t, "http")
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	password, _ := u.User.Password()
	s.snippet(t, "php", "php/insert.php",
		fmt.Sprintf("DSN=pgsql:host=%s;port=%s;dbname=%s", u.Hostname(), u.Port(), strings.TrimPrefix(u.Path, "/")),
		"DB_USER="+u.User.Username(), "DB_PASSWORD="+password)
}

func TestSidecarOnMariaDB(t *testing.T) {
	dsn, err := dbtest.MariaDB(t).Database(t.Context())
	require.NoError(t, err)
	s := start(t, "mysql", dsn)
	assert.Equal(t, http.StatusOK, s.post(t, order("http", time.Now())))
	s.mail(t, "http")
	c, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	host, port, err := net.SplitHostPort(c.Addr)
	require.NoError(t, err)
	s.snippet(t, "php", "php/insert.php",
		fmt.Sprintf("DSN=mysql:host=%s;port=%s;dbname=%s;charset=utf8mb4", host, port, c.DBName),
		"DB_USER="+c.User, "DB_PASSWORD="+c.Passwd)
}

// snippet runs a script twice, which gives one mail.
func (s *sidecar) snippet(t *testing.T, program, script string, env ...string) {
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("no %s here: %s is not run", program, script)
	}
	id := program + "-" + strings.TrimSuffix(filepath.Base(script), filepath.Ext(script))
	at := time.Now().Format("2006-01-02T15:04:05.000Z07:00")
	for range 2 {
		run := exec.CommandContext(t.Context(), program, script, id, id+"@example.jp", at)
		run.Env = append(append(os.Environ(), "GOEN_URL="+s.url, "GOEN_KEY="+teaKey), env...)
		out, err := run.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	s.mail(t, id)
	assert.Empty(t, s.mails, "told twice, mailed once")
}
