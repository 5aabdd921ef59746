package gormstore

import (
	"errors"
	"strconv"
	"strings"
)

type dialect int

const (
	postgres dialect = iota
	mysql            // and MariaDB
	sqlite
)

func dialects(name string) (dialect, bool) {
	switch name {
	case "postgres":
		return postgres, true
	case "mysql":
		return mysql, true
	case "sqlite", "sqlite3":
		return sqlite, true
	default:
		return 0, false
	}
}

// text returns a statement as the database takes it. Written here, a table is its name in braces and a parameter is a question mark.
// {ignore} begins an insert that does nothing where a key is taken, and {ignored} ends it.
func (s *Store) text(statement string) string {
	if t, ok := s.texts.Load(statement); ok {
		return t.(string) //nolint:forcetypeassert,errcheck // nothing else is stored
	}
	var b strings.Builder
	n := 0
	for i := 0; i < len(statement); i++ {
		switch c := statement[i]; {
		case c == '?' && s.dialect == postgres:
			n++
			b.WriteString("$" + strconv.Itoa(n))
		case c == '{':
			end := i + strings.IndexByte(statement[i:], '}')
			b.WriteString(s.word(statement[i+1 : end]))
			i = end
		default:
			b.WriteByte(c)
		}
	}
	t := b.String()
	s.texts.Store(statement, t)
	return t
}

func (s *Store) word(name string) string {
	switch name {
	case "ignore":
		if s.dialect == mysql {
			return "INSERT IGNORE" // what it would hide beside, a value too long, never comes so far: see fits
		}
		return "INSERT"
	case "ignored":
		if s.dialect == mysql {
			return ""
		}
		return "ON CONFLICT DO NOTHING"
	case "dual":
		if s.dialect == mysql {
			return "FROM DUAL"
		}
		return ""
	default:
		return s.quoted(name)
	}
}

// quoted returns the name of a table.
func (s *Store) quoted(table string) string { return s.quote(s.prefix + table) }

func (s *Store) quote(name string) string {
	var b strings.Builder
	s.db.QuoteTo(&b, name)
	return b.String()
}

// longest is how many bytes an ID, a subject or a name may have: the columns of MySQL need an end, and a server in its lax mode would cut.
const longest = 512

var errTooLong = errors.New("an ID, subject or name has more than 512 bytes")

// fits refuses texts that a column would not hold.
func fits(texts ...string) error {
	for _, t := range texts {
		if len(t) > longest {
			return errTooLong
		}
	}
	return nil
}

// stated reports whether err is the database's refusal for one of these reasons: SQLSTATE in PostgreSQL, a number in MySQL and
// a text in SQLite. No driver is imported, so no driver's type can be asked.
func (d dialect) stated(err error, states, numbers, texts []string) bool {
	if err == nil {
		return false
	}
	switch d {
	case postgres:
		var pg interface{ SQLState() string }
		if !errors.As(err, &pg) {
			return false
		}
		for _, state := range states {
			if pg.SQLState() == state {
				return true
			}
		}
	case mysql:
		for _, number := range numbers {
			if strings.Contains(err.Error(), "Error "+number+" ") || strings.Contains(err.Error(), "Error "+number+":") {
				return true
			}
		}
	case sqlite:
		for _, text := range texts {
			if strings.Contains(err.Error(), text) {
				return true
			}
		}
	}
	return false
}

// again reports whether the database undid the statement because of others, so that it can simply be made again.
func (d dialect) again(err error) bool {
	return d.stated(err, []string{"40001", "40P01", "55P03"}, []string{"1213", "1205", "1020"}, []string{"SQLITE_BUSY", "SQLITE_LOCKED", "database is locked", "table is locked"})
}

// taken reports whether err is that of a unique key which is taken.
func (d dialect) taken(err error) bool {
	return d.stated(err, []string{"23505"}, []string{"1062"}, []string{"UNIQUE constraint failed"})
}
