package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/goen-crm/crm"
)

// A server is the shop's web site.
type server struct {
	db       *database
	shop     *crm.Shop
	links    links
	pages    pages
	base     string // base is the site's URL without a slash at its end.
	secure   bool   // secure reports that base is https.
	password string // password lets the staff in.
	now      func() time.Time
	log      *slog.Logger
}

func newServer(db *database, shop *crm.Shop, l links, password string, now func() time.Time, log *slog.Logger) (*server, error) {
	pages, err := parsePages()
	return &server{
		db: db, shop: shop, links: l, pages: pages, base: l.base, secure: strings.HasPrefix(l.base, "https:"),
		password: password, now: now, log: log,
	}, err
}

// A handler answers a request of a visitor, or returns why it can't.
type handler func(w http.ResponseWriter, r *http.Request, v *visitor) error

// routes are the shop's addresses, behind what protects all of them.
func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{
		"GET /{$}":                        s.catalogue,
		"GET /products/{product}":         s.product,
		"GET /cart":                       s.cart,
		"GET /cart/{cart}":                s.restoreCart,
		"POST /cart/{product}":            s.addItem,
		"POST /cart/{product}/set":        s.setItem,
		"GET /checkout":                   s.checkout,
		"POST /checkout":                  s.saveContact,
		"GET /checkout/confirm":           s.confirm,
		"POST /orders":                    s.placeOrder,
		"GET /orders/{order}":             s.order,
		"GET /account":                    s.account,
		"POST /account":                   s.saveAccount,
		"POST /account/erase":             s.eraseAccount,
		"POST /sign-up":                   s.signUp,
		"POST /log-in":                    s.logIn,
		"POST /log-out":                   s.logOut,
		"GET /opt-out/{token}":            s.askOptOut,
		"POST /opt-out/{token}":           s.optOut,
		"GET /staff":                      s.staffOnly(s.staffOrders),
		"POST /staff/{order}/{task}":      s.staffOnly(s.doTask),
		"GET /staff/messages":             s.staffOnly(s.staffMessages),
		"GET /staff/messages/{message}":   s.staffOnly(s.staffMessage),
		"GET /staff/customers/{customer}": s.staffOnly(s.staffCustomer),
	} {
		mux.Handle(pattern, s.handle(h))
	}
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, pageFiles, "pages/style.css")
	})
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.AddInsecureBypassPattern("POST /opt-out/{token}") // the token is proof enough
	return headers(http.MaxBytesHandler(crossOrigin.Handler(mux), 64<<10))
}

// headers forbids what the pages do not need.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // links to carts and orders are keys to them
		next.ServeHTTP(w, r)
	})
}

// A problem is an error that the visitor is told of.
type problem struct {
	status int
	ja, en string
}

// Error is the problem in English.
func (p problem) Error() string { return p.en }

var errNotFound = problem{http.StatusNotFound, "ページが見つかりません。", "There is no such page."}

// handle makes an http.Handler of a handler.
func (s *server) handle(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := s.visitor(r)
		if err == nil {
			err = h(w, r, v)
		}
		if err == nil || r.Context().Err() != nil {
			return
		}
		if v == nil {
			v = &visitor{locale: "ja"}
		}
		p := s.problem(r.Context(), r.Pattern, err)
		told := p.en
		if v.locale == "ja" {
			told = p.ja
		}
		if err := s.showAs(w, p.status, v, "problem", told); err != nil {
			s.log.ErrorContext(r.Context(), "page", "error", err)
		}
	})
}

// problem is what a visitor is told of an error. What is the shop's own fault
// is logged, without the address: carts and orders are named by it.
func (s *server) problem(ctx context.Context, pattern string, err error) problem {
	var known problem
	var field *crm.FieldError
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, crm.ErrNotFound), errors.Is(err, crm.ErrErased):
		return errNotFound
	case errors.As(err, &field): // goen says which field it can't store, and not what is in it
		return problem{http.StatusBadRequest, "ご入力の内容をご確認ください(" + field.Field + ")。", "Please check what you entered (" + field.Field + ")."}
	}
	s.log.ErrorContext(ctx, "request failed", "pattern", pattern, "error", err)
	return problem{http.StatusInternalServerError, "申し訳ございません。しばらくしてからお試しください。", "We are sorry. Please try again in a while."}
}

// trimBase checks the site's URL.
func trimBase(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", errors.New("-url is no http or https URL")
	}
	return strings.TrimRight(base, "/"), nil
}
