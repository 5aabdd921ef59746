package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// printer writes answers, as tables or as JSON.
type printer struct {
	out  io.Writer
	json bool
}

// show writes v as JSON where that was asked for, and otherwise what text writes.
func (p *printer) show(v any, text func() error) error {
	if !p.json {
		return text()
	}
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// say is show with a line of text.
func (p *printer) say(v any, line string) error {
	return p.show(v, func() error {
		_, err := io.WriteString(p.out, line+"\n")
		return err
	})
}

// table writes rows in columns. What a stranger chose cannot draw on the terminal.
func (p *printer) table(head []string, rows func(row func(cells ...string))) error {
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	row := func(cells ...string) {
		for i, c := range cells {
			if cells[i] = clean(c); c == "" {
				cells[i] = "-"
			}
		}
		_, _ = io.WriteString(w, strings.Join(cells, "\t")+"\n") // Flush says it
	}
	if head != nil {
		row(head...)
	}
	rows(row)
	return w.Flush()
}

// clean returns s without characters that a terminal would act on, or that are not seen.
func clean(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	return strings.Trim(strconv.Quote(s), `"`)
}

// when returns t for people.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// listed writes a page of views: as the member called name, or as a table with the cells of each. It goes on behind next, where that is
// not empty.
func listed[V any](p *printer, name string, head []string, views []V, next string, cells func(V) []string) error {
	v := map[string]any{name: views}
	if next != "" {
		v["next"] = next
	}
	return p.show(v, func() error {
		err := p.table(head, func(row func(...string)) {
			for _, view := range views {
				row(cells(view)...)
			}
		})
		if next != "" {
			fmt.Fprintf(p.out, "more: -after %s\n", clean(next))
		}
		return err
	})
}
