package mysql_test

import (
	"time"
	_ "time/tzdata"

	driver "github.com/go-sql-driver/mysql"
)

func location(name string) *time.Location {
	l, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return l
}

// strange gives a connection parameters that no statement of goen's is written
// for.
func strange(c *driver.Config) {
	c.ParseTime, c.ClientFoundRows, c.ColumnsWithAlias, c.MultiStatements = true, true, true, true
	c.Loc = location("Europe/Berlin") // has hours that do not exist
	c.Params = map[string]string{
		"time_zone": "'-03:00'", "sql_mode": "'ANSI,NO_BACKSLASH_ESCAPES'", "autocommit": "0", "foreign_key_checks": "0",
		"character_set_client": "latin1", "character_set_connection": "latin1", "character_set_results": "latin1",
	}
}
