package crm_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/storage/sqlite"
)

// A cart's handle on SQLite often allows one connection, and its transaction
// holds that: RecordIn must not want another.
func TestRecordInOnOneConnection(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "shop.db")+"?_txlock=immediate&_pragma=journal_mode(wal)")
	require.NoError(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	store, err := sqlite.New(ctx, db)
	require.NoError(t, err)
	defer store.Close()
	s := crmtest.New(t, &crmtest.Options{Store: store})

	for _, end := range []struct {
		id   string
		does func(*sql.Tx) error
		want error
	}{{"lost", (*sql.Tx).Rollback, crm.ErrNotFound}, {"kept", (*sql.Tx).Commit, nil}} {
		tx, err := db.BeginTx(ctx, nil)
		require.NoError(t, err)
		require.NoError(t, s.Shop.RecordIn(ctx, store.Tx(tx), crm.Fact{
			ID: end.id, Time: s.Clock.Now(), Customer: end.id, Body: crm.Custom{Name: "visit"},
		}))
		require.NoError(t, end.does(tx))
		_, err = s.Shop.Customer(ctx, end.id)
		assert.ErrorIs(t, err, end.want)
	}
}
