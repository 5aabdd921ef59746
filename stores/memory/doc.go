// Package memstore keeps everything in memory: for tests, for development, and for one process whose restart
// may sign everybody out.
//
// It is quick and it is whole: every rule of package store holds, also under load. Reading a token takes no lock
// and allocates nothing; a live token costs some 250 bytes, and one with a grant of its own some 680. Nothing grows without bound where Prune is called
// now and then, say once a minute; where it is never called, writes remove what has been over for an hour.
package memstore
