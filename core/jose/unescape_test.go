package jose_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-mandate/mandate/core/jose"
)

// TestTextAgainstEncodingJSON reads strings of all escapes, whole, halved and in any order, as encoding/json does.
func TestTextAgainstEncodingJSON(t *testing.T) {
	t.Parallel()
	pieces := []string{
		`\"`, `\\`, `\/`, `\b`, `\f`, `\n`, `\r`, `\t`, `\u0041`, `\u00e9`, `\u4E00`, `\u4e00`, `\u0000`, `\uffff`, `\ufffd`, `\ud83d\ude00`, `\uD83D\uDE00`,
		`\ud83d`, `\ude00`, `\ud83d\u0041`, `\ud83d\n`, `\ud83d\ud83d\ude00`, `a`, `é`, `😀`, "\u007f",
		`\x`, `\u12`, `\u12g4`, `\`, `\U0041`,
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		var b strings.Builder
		for range random.IntN(6) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		raw := `{"` + b.String() + `":"` + b.String() + `"}`
		var want map[string]string
		err := json.Unmarshal([]byte(raw), &want)
		all, ours := jose.ParseMembers([]byte(raw), nil)
		if (err == nil) != (ours == nil) {
			t.Fatalf("%s: %v, encoding/json: %v", raw, ours, err)
		}
		if err != nil {
			continue
		}
		text, ok := jose.Text(all[0].Value)
		if value, there := want[all[0].Name]; !ok || !there || value != text {
			t.Fatalf("%s: %q and %q, encoding/json: %q", raw, all[0].Name, text, want)
		}
	}
	for _, broken := range []string{`"\"`, `"\u12"`, `"\x"`, `"\ud83d\u"`, `"`, `7`, ``} {
		if s, ok := jose.Text(broken); ok {
			t.Errorf("Text(%s) = %q, want none", broken, s)
		}
	}
}
