// Package gormstore keeps everything in the application's own database, through its *gorm.DB: PostgreSQL, MariaDB 10.5 and later, SQLite
// 3.35 and later; MySQL 8 should do, and is not tested. It imports no driver.
//
//	s, err := gormstore.New(db)
//	...
//	err = s.Migrate(ctx)                                     // or s.Plan(ctx), to see what that would do
//	go gormstore.KeepPruned(ctx, s, time.Minute, nil)        // removes what is over
//
// # Its own connection
//
// A store writes on connections of its own from the pool of db, never inside of a transaction of the application's: what it has
// revoked stays revoked, whatever is rolled back around it. A middleware that holds a connection for every request therefore needs a
// pool that has more connections than there are such requests at once. Where none comes free in time, a call ends
// with context.DeadlineExceeded after [Config].Timeout, and a server answers that it is temporarily unavailable.
//
// # SQLite
//
// All writes go through one connection, and those that come at once share a commit. Open the file with WAL and a busy timeout, so that readers
// and other programs do not stand in the way. SQLite has one writer at a time: while a transaction of the application's has
// written and is not committed, a call that writes waits for it, and where that transaction waits for the call, it ends as above.
// In memory (":memory:") every connection has a database of its own: call SetMaxOpenConns(1) on the pool.
//
// # MySQL and MariaDB
//
// IDs, subjects and digests are VARBINARY: no collation takes two of them for one. The store is right at any isolation level, and with
// clientFoundRows or without.
//
// # What is where
//
// Types such as [Grant] and [Token] are the rows, documented by column. A dump of the tables gives nobody anything that works: credentials
// are digests, and what must be readable is sealed under a secret that is not in the database. A backup that is restored is
// behind its clients: refresh tokens that were used since then read as used twice, and those families end.
package gormstore
