package storetest

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// must ends the case where something that has to work does not.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// verdict checks that a call returned one of the errors that it may return.
func verdict(t *testing.T, call string, err error, want ...error) {
	t.Helper()
	for _, w := range want {
		if errors.Is(err, w) {
			return
		}
	}
	t.Errorf("%s: error = %v, want %v", call, err, want)
}

// isVerdict reports whether err is one of the errors of package store.
func isVerdict(err error) bool {
	for _, v := range []error{store.ErrNotFound, store.ErrExists, store.ErrConflict, store.ErrUsed, store.ErrExpired, store.ErrRevoked} {
		if errors.Is(err, v) {
			return true
		}
	}
	return false
}

// same checks that a record is what it should be.
func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if reflect.DeepEqual(got, want) {
		return
	}
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	if g.Kind() == reflect.Pointer && !g.IsNil() && !w.IsNil() {
		g, w = g.Elem(), w.Elem()
	}
	if g.Kind() != reflect.Struct {
		t.Errorf("%s = %+v, want %+v", what, got, want)
		return
	}
	for i := range g.NumField() {
		f := g.Type().Field(i)
		if !f.IsExported() || reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
			continue
		}
		t.Errorf("%s: %s = %+v, want %+v", what, f.Name, g.Field(i), w.Field(i))
	}
}

// list checks that the records of a page are those with these IDs, in this order.
func list[T any](t *testing.T, what string, got []T, err error, id func(T) string, want ...string) {
	t.Helper()
	must(t, err)
	ids := make([]string, 0, len(want))
	for _, r := range got {
		ids = append(ids, id(r))
	}
	if !reflect.DeepEqual(ids, append([]string{}, want...)) {
		t.Errorf("%s = %q, want %q", what, ids, want)
	}
}

// name returns an ID that nobody else has.
func name() string { return rand.Text() }

// digest returns a key that nobody else has.
func digest() mandate.Digest { return mandate.DigestOf(rand.Text()) }

// alike returns five names that a careless comparison takes for fewer.
func alike(prefix string) []string {
	return []string{prefix + "abc", prefix + "ABC", prefix + "abc ", prefix + "\u00e4bc", prefix + "a\u0308bc"}
}

// odd is text that a database may take for something else: patterns, quotes, and a character of four bytes.
const odd = "%_\\'\"`$1?:x@{}\t\n<\U0001F600>"

// long returns a text of n bytes that begins with prefix.
func long(prefix string, n int) string { return prefix + strings.Repeat("x", n-len(prefix)) }

// fill puts something of its own into every field of what v points at, so that a field that a
// later version adds is tested without being named here. Times are whole milliseconds.
func (k kit) fill(t *testing.T, v any) {
	t.Helper()
	n := 0
	k.fillValue(t, reflect.ValueOf(v).Elem(), &n)
}

func (k kit) fillValue(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = k.at(45*time.Minute + time.Duration(*n)*time.Millisecond)
		return
	case *mandate.Digest:
		*p = digest()
		return
	case *mandate.Scopes:
		*p = mandate.Scopes(fmt.Sprintf("read:%d write", *n))
		return
	case *json.RawMessage:
		*p = json.RawMessage(fmt.Sprintf(`{"n":%d}`, *n))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				k.fillValue(t, v.Field(i), n)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		k.fillValue(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			k.fillValue(t, v.Index(i), n)
		}
	case reflect.Map:
		e := reflect.New(v.Type().Elem()).Elem()
		k.fillValue(t, e, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf(fmt.Sprintf("x_%d", *n)).Convert(v.Type().Key()), e)
	case reflect.String: // JSON, as the fields that hold some ask, with what must be escaped
		v.SetString(fmt.Sprintf(`["%d \u00fc ü <&> 'q'", {"x": null}]`, *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(int64(*n) * 1_000_000_000)
	case reflect.Uint8:
		v.SetUint(200)
	default:
		t.Fatalf("a record has a %s, which the suite cannot fill", v.Type())
	}
}

// inZone returns t with what a store does not keep: a zone, and less than a millisecond.
func inZone(t time.Time) time.Time {
	return t.Add(345 * time.Microsecond).In(time.FixedZone("", 5*60*60+45*60))
}

// kept checks that a store kept a time as it keeps them: in UTC and whole milliseconds.
func kept(t *testing.T, what string, got, put time.Time) {
	t.Helper()
	if d := got.Sub(put).Abs(); d >= time.Millisecond || got.Nanosecond()%1e6 != 0 || got.Location() != time.UTC {
		t.Errorf("%s = %v, want %v in whole milliseconds and UTC", what, got, put)
	}
}
