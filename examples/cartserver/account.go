package main

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/http"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
)

// An account is a customer who signed up.
type account struct {
	ID, Email, Family, Given string
	Newsletter               bool
	Revision                 int
	password                 string
}

const selectAccount = `SELECT a.id, a.email, a.password, a.family, a.given, a.newsletter, a.revision FROM account a`

func scanAccount(row *sql.Row) (account, error) {
	var a account
	err := row.Scan(&a.ID, &a.Email, &a.password, &a.Family, &a.Given, &a.Newsletter, &a.Revision)
	if errors.Is(err, sql.ErrNoRows) {
		err = errNotFound
	}
	return a, err
}

// saved is an account's profile as a fact.
func (s *server) saved(a account, patch crm.CustomerPatch) crm.Fact {
	patch.Email, patch.FamilyName, patch.GivenName = &a.Email, &a.Family, &a.Given
	return crm.Fact{
		ID: fmt.Sprintf("account-%s-%d", a.ID, a.Revision), Time: s.now(), Customer: a.ID, Email: a.Email,
		Body: crm.CustomerSaved{CustomerPatch: patch},
	}
}

// wording is what stands beside the box that asks for consent. It is recorded
// with the answer: the shop may have to prove what she said yes to.
var wording = map[string]string{
	"ja": "新茶のお知らせ・お得な情報をメールで受け取る",
	"en": "Send me news and offers by email",
}

// answered is her answer to the question for mail as a fact. account is "" for a
// guest.
func (s *server) answered(id, account, email, form, locale string, granted bool) crm.Fact {
	return crm.Fact{
		ID: "consent-" + id, Time: s.now(), Customer: account, Email: email,
		Body: crm.ConsentChanged{Consent: crm.Consent{Granted: granted, Source: form, Form: form + "-1", Wording: wording[locale]}},
	}
}

func (s *server) account(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if v.account.ID == "" {
		return s.show(w, v, "sign-in", nil)
	}
	orders, err := s.db.orders(r.Context(), `WHERE account_id = $1`, v.account.ID)
	if err != nil {
		return err
	}
	return s.show(w, v, "account", orders)
}

var (
	errName      = problem{http.StatusBadRequest, "お名前をご入力ください。", "Please tell us your name."}
	errEmail     = problem{http.StatusBadRequest, "メールアドレスをご確認ください。", "Please check your email address."}
	errPassword  = problem{http.StatusBadRequest, "パスワードは10文字以上200文字以内でお願いします。", "A password has 10 to 200 characters."}
	errSignIn    = problem{http.StatusForbidden, "メールアドレスまたはパスワードが違います。", "The address or the password is wrong."}
	errTaken     = problem{http.StatusConflict, "このメールアドレスは使えません。ログインをお試しください。", "This address cannot be used. Do you have an account?"}
	errNotSigned = problem{http.StatusForbidden, "ログインしてください。", "Please sign in."}
)

// contact reads name and address of mail from a form.
func contact(r *http.Request) (email, family, given string, err error) {
	email = crm.NormalizeEmail(r.FormValue("email"))
	family, given = r.FormValue("family"), r.FormValue("given")
	switch {
	case family == "" || given == "":
		err = errName
	case mailer.ValidateEmail(email) != nil:
		err = errEmail
	}
	return email, family, given, err
}

// signUp opens an account. A real shop would have her confirm the address by a
// link first, and do this when she follows it: the fact links whatever goen
// knows of the guest with this address to the account.
func (s *server) signUp(w http.ResponseWriter, r *http.Request, v *visitor) error {
	ctx := r.Context()
	a := account{ID: "c" + rand.Text(), Newsletter: r.FormValue("newsletter") != "", Revision: 1}
	var err error
	if a.Email, a.Family, a.Given, err = contact(r); err != nil {
		return err
	}
	if n := len(r.FormValue("password")); n < 10 || n > 200 {
		return errPassword
	}
	if a.password, err = hashPassword(r.FormValue("password")); err != nil {
		return err
	}
	err = s.db.transact(ctx, func(tx *sql.Tx, goen crm.Appender) error {
		created, err := changes(ctx, tx, `INSERT INTO account (id, email, password, family, given, newsletter, revision)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			a.ID, a.Email, a.password, a.Family, a.Given, one(a.Newsletter), a.Revision)
		if err != nil {
			return err
		}
		if !created {
			return errTaken
		}
		facts := []crm.Fact{s.saved(a, crm.CustomerPatch{Locale: &v.locale, Registered: new(s.now())})}
		if a.Newsletter {
			facts = append(facts, s.answered(a.ID+"-1", a.ID, a.Email, "sign-up", v.locale, true))
		}
		if err := s.shop.RecordIn(ctx, goen, facts...); err != nil {
			return err
		}
		return s.signIn(ctx, tx, w, a.ID)
	})
	if err != nil {
		return err
	}
	return s.welcome(w, r, v, a)
}

// logIn signs a customer in.
func (s *server) logIn(w http.ResponseWriter, r *http.Request, v *visitor) error {
	a, err := scanAccount(s.db.QueryRowContext(r.Context(), selectAccount+` WHERE a.email = $1`, crm.NormalizeEmail(r.FormValue("email"))))
	if err != nil && !errors.Is(err, errNotFound) {
		return err
	}
	same, err := samePassword(r.FormValue("password"), a.password)
	if err != nil {
		return err
	}
	if !same {
		return errSignIn
	}
	if err := s.signIn(r.Context(), s.db, w, a.ID); err != nil {
		return err
	}
	return s.welcome(w, r, v, a)
}

// welcome makes the cart of somebody who has just signed in hers, so that goen
// knows whom to remind of it.
func (s *server) welcome(w http.ResponseWriter, r *http.Request, v *visitor, a account) error {
	if v.account = a; v.pieces > 0 {
		if err := s.changeCart(r.Context(), v, func(*sql.Tx) error { return nil }); err != nil {
			return err
		}
	}
	http.Redirect(w, r, "/account", http.StatusSeeOther)
	return nil
}

// logOut ends the session, and leaves no cart behind for who comes next.
func (s *server) logOut(w http.ResponseWriter, r *http.Request, _ *visitor) error {
	if _, err := s.db.ExecContext(r.Context(), `DELETE FROM session WHERE token = $1`, digest(cookie(r, sessionCookie))); err != nil {
		return err
	}
	s.setCookie(w, sessionCookie, "", -1)
	s.setCookie(w, cartCookie, "", -1)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// saveAccount changes name, address of mail and consent.
func (s *server) saveAccount(w http.ResponseWriter, r *http.Request, v *visitor) error {
	ctx, a := r.Context(), v.account
	if a.ID == "" {
		return errNotSigned
	}
	var err error
	if a.Email, a.Family, a.Given, err = contact(r); err != nil {
		return err
	}
	a.Newsletter = r.FormValue("newsletter") != ""
	err = s.db.transact(ctx, func(tx *sql.Tx, goen crm.Appender) error {
		var taken int
		err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM account WHERE email = $1 AND id <> $2`, a.Email, a.ID).Scan(&taken)
		if err != nil {
			return err
		}
		if taken > 0 {
			return errTaken
		}
		err = tx.QueryRowContext(ctx, `UPDATE account SET email = $2, family = $3, given = $4, newsletter = $5, revision = revision + 1
			WHERE id = $1 RETURNING revision`, a.ID, a.Email, a.Family, a.Given, one(a.Newsletter)).Scan(&a.Revision)
		if err != nil {
			return err
		}
		facts := []crm.Fact{s.saved(a, crm.CustomerPatch{})}
		if a.Newsletter != v.account.Newsletter {
			facts = append(facts, s.answered(fmt.Sprintf("%s-%d", a.ID, a.Revision), a.ID, a.Email, "account", v.locale, a.Newsletter))
		}
		return s.shop.RecordIn(ctx, goen, facts...)
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/account", http.StatusSeeOther)
	return nil
}

// eraseAccount forgets a customer on her request. Orders stay in the shop's
// books as long as the tax office asks for them.
func (s *server) eraseAccount(w http.ResponseWriter, r *http.Request, v *visitor) error {
	ctx, a := r.Context(), v.account
	if a.ID == "" {
		return errNotSigned
	}
	err := s.db.transact(ctx, func(tx *sql.Tx, goen crm.Appender) error {
		for _, query := range []string{
			`DELETE FROM session WHERE account_id = $1`,
			`DELETE FROM cart_item WHERE cart_id IN (SELECT id FROM cart WHERE account_id = $1)`,
			`DELETE FROM cart WHERE account_id = $1`,
			`DELETE FROM account WHERE id = $1`,
		} {
			if _, err := tx.ExecContext(ctx, query, a.ID); err != nil {
				return err
			}
		}
		return s.shop.RecordIn(ctx, goen, crm.Fact{ID: "erase-" + a.ID, Time: s.now(), Customer: a.ID, Email: a.Email, Body: crm.CustomerErased{}})
	})
	if err != nil {
		return err
	}
	s.setCookie(w, sessionCookie, "", -1)
	s.setCookie(w, cartCookie, "", -1)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// one is a truth as both databases keep it.
func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
