package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// object is an object of a file, or a list, on the way through it.
type object struct {
	seen  map[string]bool // nil: a list
	name  string          // of the member whose value comes next
	value bool            // it does
	free  bool            // names are somebody else's here
}

// checkNames refuses what the decoder takes without a word: a member that is there twice, of which it keeps the last, and one whose name is not
// that of a member, but like it. data is JSON.
func checkNames(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	in := []object{{}} // as if in a list
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		top := &in[len(in)-1]
		if name, ok := token.(string); ok && top.seen != nil && !top.value {
			switch {
			case top.seen[name]:
				return fmt.Errorf("the member %q is there twice", name)
			case !top.free && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "":
				return fmt.Errorf("unknown field %q", name)
			}
			top.seen[name], top.name, top.value = true, name, true
			continue
		}
		free := top.free || top.name == "metadata" || top.name == "extra"
		switch token {
		case json.Delim('{'):
			top.value = false
			in = append(in, object{seen: make(map[string]bool), free: free})
		case json.Delim('['):
			top.value = false
			in = append(in, object{free: free})
		case json.Delim('}'), json.Delim(']'):
			in = in[:len(in)-1]
		default:
			top.value = false
		}
	}
}
