package cachestore

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// linger is how long a file stays after its end, so that whoever read it just before does not find its name free.
const linger = time.Minute

// files keeps each value in a file. Version 1 of a value is the file KEY, version n the file KEY.n: who makes it, by an exclusive
// link, has put that version, and it stays until the value goes. KEY is linked to the newest version then, so that readers
// begin there: they find that version or go on from an older one. A file's first line is its version, its modification time
// its end (1970: never).
type files struct {
	root      *os.Root
	threshold int
	told      func() time.Time

	mu     sync.Mutex // guards all below
	count  int        // of files, about
	recent int        // made since they were counted
	full   time.Time  // when none could be removed, by the callers' clock
}

func newFiles(s Settings, told func() time.Time) (*files, error) {
	if err := os.MkdirAll(s.Directory, 0o700); err != nil {
		return nil, fmt.Errorf("cachestore: directory %q: %w", s.Directory, err)
	}
	root, err := os.OpenRoot(s.Directory)
	if err != nil {
		return nil, fmt.Errorf("cachestore: directory %q: %w", s.Directory, err)
	}
	f := &files{root: root, threshold: s.Threshold, told: told}
	groups, err := f.list()
	if err != nil {
		return nil, err
	}
	f.count = total(groups)
	return f, nil
}

func name(key string, version int) string {
	if version == 1 {
		return key
	}
	return key + "." + strconv.Itoa(version)
}

// open reads a file.
func (f *files) open(file string) (value []byte, version int, err error) {
	body, err := f.root.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, errMissing
	}
	if err != nil {
		return nil, 0, fmt.Errorf("cachestore: %w", err)
	}
	first, value, _ := bytes.Cut(body, []byte("\n"))
	if version, err = strconv.Atoi(string(first)); err != nil {
		return nil, 0, fmt.Errorf("cachestore: file %s is not of this cache: %w", filepath.Join(f.root.Name(), file), err)
	}
	return value, version, nil
}

func (f *files) get(key string) ([]byte, any, error) {
	value, version, err := f.open(key)
	for err == nil {
		next, _, missing := f.open(name(key, version+1))
		if errors.Is(missing, errMissing) {
			break
		}
		value, version, err = next, version+1, missing
	}
	return value, version, err
}

// write makes a temporary file and returns its name.
func (f *files) write(value []byte, version int, e end) (string, error) {
	temp := "new" + rand.Text()
	body := append(strconv.AppendInt(nil, int64(version), 10), '\n')
	if err := f.root.WriteFile(temp, append(body, value...), 0o600); err != nil {
		return "", errors.Join(fmt.Errorf("cachestore: %w", err), f.delete(temp))
	}
	if err := f.stamp(temp, e); err != nil {
		return "", errors.Join(err, f.delete(temp))
	}
	return temp, nil
}

// stamp writes the end of a file.
func (f *files) stamp(file string, e end) error {
	at := e.at
	if at.IsZero() {
		at = time.UnixMilli(0)
	}
	if err := f.root.Chtimes(file, at, at); err != nil {
		return fmt.Errorf("cachestore: %w", err)
	}
	return nil
}

func (f *files) delete(file string) error {
	if err := f.root.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cachestore: %w", err)
	}
	return nil
}

// link gives a temporary file the name of a version, unless somebody was first.
func (f *files) link(temp, file string) (bool, error) {
	err := f.root.Link(temp, file)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("cachestore: %w", err)
	}
	return true, nil
}

func (f *files) add(key string, value []byte, e end) (bool, error) {
	if err := f.room(); err != nil {
		return false, err
	}
	temp, err := f.write(value, 1, e)
	if err != nil {
		return false, err
	}
	ok, err := f.link(temp, key)
	if ok {
		f.made()
	}
	return ok, errors.Join(err, f.delete(temp))
}

func (f *files) swap(key string, version any, value []byte, e end) (bool, error) {
	from, ok := version.(int)
	if !ok {
		return false, fmt.Errorf("cachestore: filesystem: version is a %T", version)
	}
	if err := f.room(); err != nil {
		return false, err
	}
	temp, err := f.write(value, from+1, e)
	if err != nil {
		return false, err
	}
	ok, err = f.link(temp, name(key, from+1))
	if !ok || err != nil {
		return false, errors.Join(err, f.delete(temp))
	}
	f.made()
	if f.root.Rename(temp, key) != nil { // readers go on from the version that is there
		return true, f.delete(temp)
	}
	return true, nil
}

func (f *files) move(key string, e end) error {
	if err := f.stamp(key, e); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// remove takes back a value of version 1.
func (f *files) remove(key string) error { return f.delete(key) }

func (f *files) check() error {
	temp, err := f.write(nil, 1, end{})
	if err != nil {
		return err
	}
	return f.delete(temp)
}

func (f *files) close() error { return f.root.Close() }

// made counts a new file.
func (f *files) made() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	f.recent++
}

// room makes sure that there may be one file more. It counts again now and then, for those that other processes make.
func (f *files) room() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count < f.threshold && f.recent <= f.threshold/16 {
		return nil
	}
	now := f.told()
	if f.count < f.threshold || f.full.IsZero() || now.Sub(f.full).Abs() >= time.Second {
		groups, err := f.list()
		if err != nil {
			return err
		}
		f.count, f.recent = total(groups), 0
		if f.count >= f.threshold {
			if _, err := f.drop(groups, now, f.count); err != nil {
				return err
			}
		}
		f.full = time.Time{}
		if f.count >= f.threshold {
			f.full = now
		}
	}
	if f.count >= f.threshold {
		return fmt.Errorf("cachestore: directory %q has %d files, and none that is over; raise threshold, which is %d, or keep tickets and replay in the database",
			f.root.Name(), f.count, f.threshold)
	}
	return nil
}

// group is a value with all its versions.
type group struct {
	files  []string
	newest int
	at     time.Time // the end of the newest version
}

func total(groups map[string]*group) (n int) {
	for _, g := range groups {
		n += len(g.files)
	}
	return n
}

// list returns all values by their keys.
func (f *files) list() (map[string]*group, error) {
	entries, err := fs.ReadDir(f.root.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("cachestore: directory %q: %w", f.root.Name(), err)
	}
	groups := make(map[string]*group, len(entries))
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() { // it went meanwhile, or is somebody else's
			continue
		}
		key, n, _ := strings.Cut(entry.Name(), ".")
		version, _ := strconv.Atoi(n)
		g := groups[key]
		if g == nil {
			g = &group{newest: -1}
			groups[key] = g
		}
		g.files = append(g.files, entry.Name())
		if version > g.newest {
			g.newest, g.at = version, info.ModTime()
		}
	}
	return groups, nil
}

// drop removes up to limit values that have been over for long enough.
func (f *files) drop(groups map[string]*group, now time.Time, limit int) (n int, err error) {
	if now.IsZero() {
		return 0, nil
	}
	for _, g := range groups {
		if n >= limit {
			break
		}
		if g.at.UnixMilli() == 0 || !g.at.Before(now.Add(-linger)) {
			continue
		}
		slices.Sort(g.files) // the first version first: from then on there is no such value
		for _, file := range g.files {
			if err := f.delete(file); err != nil {
				return n, err
			}
			f.count--
		}
		n++
	}
	return n, nil
}

func (f *files) prune(now time.Time, limit int) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	groups, err := f.list()
	if err != nil {
		return 0, err
	}
	f.count, f.recent = total(groups), 0
	return f.drop(groups, now, limit)
}
