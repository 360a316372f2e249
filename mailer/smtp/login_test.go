package smtp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/smtp"
	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

var users = map[string]string{"shop": "secret"}

// faraway returns a configuration that reaches server under a name that is not
// this machine's.
func faraway(server *smtptest.Server, c smtp.Config) *smtp.Config {
	c.TLSConfig = server.ClientTLS()
	c.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Addr)
	}
	return &c
}

func TestTLSPolicies(t *testing.T) {
	type outcome string
	const encrypted, plaintext, refused outcome = "encrypted", "plaintext", "refused"
	for name, c := range map[string]struct {
		addr   string
		policy smtp.TLSPolicy
		server smtptest.Config
		want   outcome
	}{
		"auto, far, offered":          {"mail.example.jp:587", smtp.TLSAuto, smtptest.Config{StartTLS: true}, encrypted},
		"auto, far, not offered":      {"mail.example.jp:587", smtp.TLSAuto, smtptest.Config{}, refused},
		"auto, loopback, offered":     {"localhost:587", smtp.TLSAuto, smtptest.Config{StartTLS: true}, encrypted},
		"auto, loopback, not offered": {"127.0.0.1:587", smtp.TLSAuto, smtptest.Config{}, plaintext},
		"auto, port 465":              {"mail.example.jp:465", smtp.TLSAuto, smtptest.Config{ImplicitTLS: true}, encrypted},
		"mandatory, not offered":      {"127.0.0.1:25", smtp.TLSMandatory, smtptest.Config{}, refused},
		"opportunistic, offered":      {"mail.example.jp:25", smtp.TLSOpportunistic, smtptest.Config{StartTLS: true}, encrypted},
		"opportunistic, not offered":  {"mail.example.jp:25", smtp.TLSOpportunistic, smtptest.Config{}, plaintext},
		"none, offered":               {"mail.example.jp:25", smtp.TLSNone, smtptest.Config{StartTLS: true}, plaintext},
		"implicit":                    {"mail.example.jp:2465", smtp.TLSImplicit, smtptest.Config{ImplicitTLS: true}, encrypted},
		"a stranger's certificate":    {"other.example.jp:587", smtp.TLSAuto, smtptest.Config{StartTLS: true}, refused},
	} {
		t.Run(name, func(t *testing.T) {
			server := smtptest.NewServer(&c.server)
			defer server.Close()
			m := newMailer(t, c.addr, faraway(server, smtp.Config{TLS: c.policy}))
			err := m.Send(t.Context(), message("1"))
			if c.want == refused {
				assert.True(t, mailer.IsTemporary(err), "%v", err)
				assert.Equal(t, "mailer: temporary failure at starttls", err.Error())
				assert.Zero(t, server.Len())
				if !c.server.StartTLS {
					assert.ErrorIs(t, err, smtp.ErrNoTLS)
				}
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want == encrypted, server.Messages()[0].TLS)
			require.NoError(t, m.Send(t.Context(), message("2")))
			assert.Equal(t, 1, server.Connections())
		})
	}
}

func TestTLSConfigIsCloned(t *testing.T) {
	config := &tls.Config{MinVersion: tls.VersionTLS13}
	_, err := smtp.New("mail.example.jp:587", &smtp.Config{TLSConfig: config})
	require.NoError(t, err)
	assert.Empty(t, config.ServerName)
}

func TestMechanisms(t *testing.T) {
	token := func(context.Context) (string, error) { return "secret", nil }
	for name, config := range map[string]smtp.Config{
		"auto":     {Password: "secret"},
		"PLAIN":    {Password: "secret", Auth: smtp.AuthPlain},
		"LOGIN":    {Password: "secret", Auth: smtp.AuthLogin},
		"CRAM-MD5": {Password: "secret", Auth: smtp.AuthCRAMMD5},
		"XOAUTH2":  {Token: token, Auth: smtp.AuthXOAUTH2},
		"token":    {Token: token},
	} {
		t.Run(name, func(t *testing.T) {
			server := smtptest.NewServer(&smtptest.Config{StartTLS: true, Users: users})
			defer server.Close()
			config.Username = "shop"
			m := newMailer(t, "mail.example.jp:587", faraway(server, config))
			require.NoError(t, m.Send(t.Context(), message("1")))
			assert.Equal(t, "shop", server.Messages()[0].User)

			config.Password = "wrong"
			config.Token = nil
			if config.Auth == smtp.AuthXOAUTH2 || name == "token" {
				config.Token = func(context.Context) (string, error) { return "wrong", nil }
			}
			m = newMailer(t, "mail.example.jp:587", faraway(server, config))
			err := m.Send(t.Context(), message("2"))
			assert.True(t, mailer.IsTemporary(err), "a wrong password is not the message's fault")
			assert.Equal(t, "mailer: temporary failure at auth (535 5.7.8)", err.Error())
		})
	}
}

func TestPasswordsStayPrivate(t *testing.T) {
	for name, c := range map[string]struct {
		addr       string
		auth       smtp.Mechanism
		mechanisms []string
		sent       bool
	}{
		"plain, far":         {"mail.example.jp:25", smtp.AuthPlain, nil, false},
		"login, far":         {"mail.example.jp:25", smtp.AuthLogin, nil, false},
		"auto, far":          {"mail.example.jp:25", smtp.AuthAuto, []string{"PLAIN", "LOGIN"}, false},
		"auto, far, digest":  {"mail.example.jp:25", smtp.AuthAuto, nil, true},
		"plain, loopback":    {"127.0.0.2:25", smtp.AuthPlain, nil, true},
		"auto, localhost":    {"LocalHost:25", smtp.AuthAuto, []string{"LOGIN"}, true},
		"nothing in common":  {"127.0.0.1:25", smtp.AuthCRAMMD5, []string{"PLAIN"}, false},
		"nothing we can use": {"127.0.0.1:25", smtp.AuthAuto, []string{"XOAUTH2"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			tried := false
			server := smtptest.NewServer(&smtptest.Config{
				Users: users, Mechanisms: c.mechanisms,
				OnPhase: func(p smtptest.Phase, _ smtptest.Envelope) { tried = tried || p == smtptest.PhaseAuth },
			})
			defer server.Close()
			m := newMailer(t, c.addr, faraway(server, smtp.Config{
				TLS: smtp.TLSOpportunistic, Username: "shop", Password: "secret", Auth: c.auth,
			}))
			err := m.Send(t.Context(), message("1"))
			if c.sent {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, smtp.ErrNoAuth)
			assert.True(t, mailer.IsTemporary(err))
			server.Close()
			assert.False(t, tried)
		})
	}
}

func TestTokenFails(t *testing.T) {
	cause := errors.New("no token today")
	server := smtptest.NewServer(&smtptest.Config{StartTLS: true, Users: users})
	defer server.Close()
	m := newMailer(t, "mail.example.jp:587", faraway(server, smtp.Config{
		Username: "shop", Token: func(context.Context) (string, error) { return "", cause },
	}))
	err := m.Send(t.Context(), message("1"))
	require.ErrorIs(t, err, cause)
	assert.True(t, mailer.IsTemporary(err))
}
