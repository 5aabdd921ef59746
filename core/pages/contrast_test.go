package pages_test

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/go-mandate/mandate/core/pages"
)

// luminance is that of WCAG 2.2, of a color such as "#a1b2c3".
func luminance(t *testing.T, color string) float64 {
	t.Helper()
	var l float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v, err := strconv.ParseUint(color[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(v) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		l += weight * c
	}
	return l
}

// TestContrast holds level AA of WCAG 2.2: 4.5 for text (1.4.3), 3 for what bounds a control or
// shows the focus (1.4.11).
func TestContrast(t *testing.T) {
	t.Parallel()
	light, dark, ok := strings.Cut(pages.DefaultCSS(), "prefers-color-scheme: dark")
	if !ok {
		t.Fatal("the sheet has no dark mode")
	}
	variable := regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`)
	for mode, css := range map[string]string{"light": light, "dark": dark} {
		colors := map[string]string{}
		for _, m := range variable.FindAllStringSubmatch(css, -1) {
			colors[m[1]] = m[2]
		}
		for pair, least := range map[[2]string]float64{
			{"text", "page"}: 4.5, {"text", "card"}: 4.5, {"muted", "card"}: 4.5, {"accent", "card"}: 4.5,
			{"on-accent", "accent"}: 4.5, {"alert", "alert-back"}: 4.5, {"field", "card"}: 3, {"alert", "card"}: 3,
		} {
			a, b := colors[pair[0]], colors[pair[1]]
			if a == "" || b == "" {
				t.Fatalf("%s mode has no color %s or %s", mode, pair[0], pair[1])
			}
			x, y := luminance(t, a), luminance(t, b)
			if got := (max(x, y) + 0.05) / (min(x, y) + 0.05); got < least {
				t.Errorf("%s mode: %s on %s has contrast %.2f, want %.1f", mode, pair[0], pair[1], got, least)
			}
		}
	}
}
