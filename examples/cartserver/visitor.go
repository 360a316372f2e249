package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"golang.org/x/text/language"
)

// A visitor is who sends a request.
type visitor struct {
	locale  string  // locale is "ja" or "en".
	account account // account is zero unless she is signed in.
	cart    string  // cart is the id of her cart, "" if she has none.
	pieces  int     // pieces are how many there are in it.
}

const (
	cartCookie    = "cart"
	sessionCookie = "session"
	cartAge       = 90 * 24 * time.Hour
	sessionAge    = 14 * 24 * time.Hour
)

// locales are the shop's languages; the first is for those who read neither.
var locales = language.NewMatcher([]language.Tag{language.Japanese, language.English})

// visitor finds out who sends r.
func (s *server) visitor(r *http.Request) (*visitor, error) {
	v := &visitor{locale: "ja"}
	tags, _, _ := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if _, i, _ := locales.Match(tags...); i == 1 {
		v.locale = "en"
	}
	if token := cookie(r, sessionCookie); token != "" {
		var err error
		v.account, err = s.db.signedIn(r.Context(), token, s.now())
		if err != nil {
			return nil, err
		}
	}
	err := s.db.QueryRowContext(r.Context(), `SELECT c.id, COALESCE(SUM(i.quantity), 0)
		FROM cart c LEFT JOIN cart_item i ON i.cart_id = c.id WHERE c.id = $1 GROUP BY c.id`, cookie(r, cartCookie)).
		Scan(&v.cart, &v.pieces)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil // never had one, or has bought it
	}
	return v, err
}

func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// setCookie sets a cookie that no script reads and no other site sends along.
// An age below zero takes it away.
func (s *server) setCookie(w http.ResponseWriter, name, value string, age time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(age / time.Second),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.secure,
	})
}

// signIn begins a session of an account.
func (s *server) signIn(ctx context.Context, q queryer, w http.ResponseWriter, account string) error {
	token := rand.Text()
	_, err := q.ExecContext(ctx, `INSERT INTO session (token, account_id, expires_at) VALUES ($1, $2, $3)`,
		digest(token), account, s.now().Add(sessionAge).Unix())
	if err == nil {
		s.setCookie(w, sessionCookie, token, sessionAge)
	}
	return err
}

// signedIn returns the account whose session a token is, or none.
func (d *database) signedIn(ctx context.Context, token string, now time.Time) (account, error) {
	a, err := scanAccount(d.QueryRowContext(ctx, selectAccount+` JOIN session s ON s.account_id = a.id
		WHERE s.token = $1 AND s.expires_at > $2`, digest(token), now.Unix()))
	if errors.Is(err, errNotFound) {
		return account{}, nil
	}
	return a, err
}

// digest is what is kept of a token: whoever reads the table can't sign in.
func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
