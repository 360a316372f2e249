package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/goen-crm/crm"
)

const (
	maxBody  = 8 << 20 // bytes of one request
	maxFacts = 1000    // facts of one request
)

// A server takes facts.
type server struct {
	crm    *crm.CRM
	keys   keyring
	logger *slog.Logger
}

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /facts", s.postFacts)
	mux.HandleFunc("GET /healthz", s.health)
	return mux
}

// serve answers requests until ctx ends, and then those it has taken.
func (s *server) serve(ctx context.Context, listener net.Listener) error {
	h := &http.Server{
		Handler: s.routes(), MaxHeaderBytes: 16 << 10,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
	}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		stopped <- h.Shutdown(patience)
	})
	if err := h.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// postFacts records one fact or an array of them: all, or none.
func (s *server) postFacts(w http.ResponseWriter, r *http.Request) {
	shop, ok := s.shop(r)
	if !ok {
		w.Header().Set("WWW-Authenticate", "Bearer")
		answer(w, http.StatusUnauthorized, refusal{Message: "the key is missing or wrong"})
		return
	}
	facts, err := readFacts(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = shop.Record(r.Context(), facts...)
	}
	if err != nil {
		s.refuse(w, r, shop, err)
		return
	}
	answer(w, http.StatusOK, map[string]int{"accepted": len(facts)})
}

func (s *server) refuse(w http.ResponseWriter, r *http.Request, shop *crm.Shop, err error) {
	no := refusalOf(err)
	if no.status == http.StatusServiceUnavailable {
		s.logger.ErrorContext(r.Context(), "facts could not be recorded", "shop", shop.ID(), "error", err)
		w.Header().Set("Retry-After", "5")
	}
	answer(w, no.status, no)
}

// shop returns the shop whose key the request has. How long it takes says
// nothing about the keys.
func (s *server) shop(r *http.Request) (*crm.Shop, bool) {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	digest := sha256.Sum256([]byte(key))
	found := ""
	for id, want := range s.keys {
		if subtle.ConstantTimeCompare(digest[:], want[:]) == 1 {
			found = id
		}
	}
	if found == "" || !strings.EqualFold(scheme, "Bearer") {
		return nil, false
	}
	return s.crm.Shop(found), true
}

// health tells whether the database answers.
func (s *server) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if _, _, err := s.crm.NextDue(ctx, time.Now()); err != nil {
		s.logger.ErrorContext(ctx, "the database does not answer", "error", err)
		answer(w, http.StatusServiceUnavailable, refusal{Message: "the database does not answer"})
		return
	}
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may have gone
}
