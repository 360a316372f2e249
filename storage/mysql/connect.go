package mysql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"
)

// newConnector makes connections with the settings that the store wants,
// whatever the DSN says about them. What concerns the network, TLS and
// authentication stays as it is.
func newConnector(c *driver.Config) (sqldriver.Connector, error) {
	c = c.Clone()
	c.ParseTime, c.Loc = false, time.UTC
	c.MultiStatements, c.AllowAllFiles, c.ColumnsWithAlias, c.ClientFoundRows = false, false, false, false
	c.InterpolateParams = true // one round trip a statement instead of two
	c.CheckConnLiveness = true
	c.Logger = &driver.NopLogger{} // what goes wrong is returned
	c.Collation = ""
	if err := c.Apply(driver.Charset("utf8mb4", "")); err != nil {
		return nil, err
	}
	connector, err := driver.NewConnector(c)
	if err != nil {
		return nil, err
	}
	return &prepared{connector}, nil
}

// A variable of the session and the value that statements of ours rely on.
type variable struct{ name, value string }

// wanted are the variables that matter, also in a transaction of the cart's.
// Without foreign_key_checks there is no fence: it is the key's lock that claims
// look out for.
var wanted = []variable{
	{"sql_mode", "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"},
	{"character_set_client", "utf8mb4"},
	{"collation_connection", "utf8mb4_bin"},
	{"character_set_results", "utf8mb4"},
	{"foreign_key_checks", "1"},
	{"unique_checks", "1"},
}

// wantedAlone are those that matter on a connection that runs no transaction.
// To set autocommit ends one.
var wantedAlone = append(slices.Clone(wanted), variable{"autocommit", "1"})

// lockWait is how many seconds a statement on a connection of ours waits for a
// lock. It matters only where rows are waited for at all.
const lockWait = 10

// prepared makes connections with all variables set.
type prepared struct{ sqldriver.Connector }

// Connect implements [sqldriver.Connector].
func (p *prepared) Connect(ctx context.Context) (sqldriver.Conn, error) {
	conn, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	// How many rows a key has is told by statistics: to look it up for each key
	// of a list costs as much as to read its rows.
	query := setting(wantedAlone) + fmt.Sprintf(", time_zone = '+00:00', innodb_lock_wait_timeout = %d, eq_range_index_dive_limit = 1", lockWait)
	if _, err := conn.(sqldriver.ExecerContext).ExecContext(ctx, query, nil); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// setting is the statement that sets variables. Their values are names and
// numbers: ours, or what the server said.
func setting(variables []variable) string {
	parts := make([]string, len(variables))
	for i, v := range variables {
		parts[i] = v.name + " = '" + v.value + "'"
		switch {
		case v.value == "0" || v.value == "1":
			parts[i] = v.name + " = " + v.value
		case v.value == "" && v.name == "character_set_results":
			parts[i] = v.name + " = NULL" // sent as stored
		}
	}
	return "SET " + strings.Join(parts, ", ")
}

// settle gives a session that is not ours the variables that matter, and
// returns those that it changed, as they were.
func settle(ctx context.Context, q querier, wanted []variable) (had []variable, err error) {
	found := make([]sql.NullString, len(wanted))
	into, names := make([]any, len(wanted)), make([]string, len(wanted))
	for i, v := range wanted {
		into[i], names[i] = &found[i], "@@"+v.name
	}
	rows, err := q.QueryContext(ctx, "SELECT "+strings.Join(names, ", "))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if rows.Next() {
		err = rows.Scan(into...)
	}
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	var missing []variable
	for i, want := range wanted {
		if !want.isMetBy(found[i].String) {
			had = append(had, variable{want.name, found[i].String})
			missing = append(missing, want)
		}
	}
	if missing == nil {
		return nil, nil
	}
	_, err = q.ExecContext(ctx, setting(missing))
	return had, err
}

// isMetBy reports whether a value will do. Most modes do not matter to what the
// store says; that overlong values are refused does, and that an empty string
// is one.
func (v variable) isMetBy(value string) bool {
	switch v.name {
	case "sql_mode":
		return strings.Contains(value, "STRICT_TRANS_TABLES") && !strings.Contains(value, "EMPTY_STRING_IS_NULL")
	case "collation_connection":
		return strings.HasPrefix(value, "utf8mb4")
	}
	return value == v.value
}

// restore undoes settle.
func restore(ctx context.Context, q querier, had []variable) error {
	if len(had) == 0 {
		return nil
	}
	_, err := q.ExecContext(ctx, setting(had))
	return err
}
