package smtp

import (
	"context"
	"slices"
	"strings"

	protocol "github.com/wneessen/go-mail/smtp"
)

// login authenticates with the server, if the configuration asks for it.
func (m *Mailer) login(ctx context.Context, c *conn) error {
	if m.config.Username == "" {
		return nil
	}
	_, offered := c.client.Extension("AUTH")
	_, encrypted := c.client.TLSConnectionState()
	mechanism := m.mechanism(strings.Fields(strings.ToUpper(offered)), encrypted || m.loopback)
	var auth protocol.Auth
	switch mechanism {
	case AuthPlain:
		// Whether it is safe has been decided: loopback is more than go-mail knows.
		auth = protocol.PlainAuth("", m.config.Username, m.config.Password, m.host, true)
	case AuthLogin:
		auth = protocol.LoginAuth(m.config.Username, m.config.Password, m.host, true)
	case AuthCRAMMD5:
		auth = protocol.CRAMMD5Auth(m.config.Username, m.config.Password)
	case AuthXOAUTH2:
		token, err := m.config.Token(ctx)
		if err != nil {
			return failure("auth", err)
		}
		auth = protocol.XOAuth2Auth(m.config.Username, token)
	default:
		return failure("auth", ErrNoAuth)
	}
	return c.phase(ctx, "auth", m.config.Timeouts.Auth, func() error {
		return c.client.Auth(auth)
	})
}

// mechanism returns the mechanism to use, AuthAuto if there is none: one that
// is configured and offered, and gives no secret away unless the connection is
// private.
func (m *Mailer) mechanism(offered []string, private bool) Mechanism {
	candidates := []Mechanism{AuthPlain, AuthLogin, AuthCRAMMD5}
	if m.config.Auth != AuthAuto {
		candidates = []Mechanism{m.config.Auth}
	}
	for _, c := range candidates {
		if slices.Contains(offered, string(c)) && (private || c == AuthCRAMMD5) {
			return c
		}
	}
	return AuthAuto
}
