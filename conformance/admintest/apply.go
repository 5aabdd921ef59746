package admintest

import (
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/go-mandate/mandate/core/admin"
	"github.com/go-mandate/mandate/core/store"
)

const file = `{"clients": [
	{"id": "books", "kind": "confidential",
	 "metadata": {"client_name": "Bookkeeper", "client_name#de": "Buchhalter", "redirect_uris": ["https://books.test/callback"], "scope": "read"},
	 "policy": {"token_ttl": "5m", "extra": {"team": 7}}},
	{"id": "app", "kind": "native", "metadata": {"redirect_uris": ["http://127.0.0.1/callback"]}},
	{"id": "night", "kind": "machine", "metadata": {}, "secrets": [{"id": "one", "form": "sha256", "value": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}]}
]}`

func specs(t *testing.T, text string) []admin.Spec {
	t.Helper()
	list, err := admin.ReadSpecs(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// actions returns what was done to each client.
func actions(changes []admin.Change) (list []admin.Action) {
	for _, c := range changes {
		list = append(list, c.Action)
	}
	return list
}

func applyTwice(t *testing.T, st store.Store) {
	w := newWorld(t, st)
	one := specs(t, file)
	want := []admin.Action{admin.Created, admin.Created, admin.Created}
	seen, err := w.Preview(t.Context(), one)
	if err != nil || !reflect.DeepEqual(actions(seen), want) || seen[0].Secret != "" {
		t.Fatalf("Preview = %+v, %v, want all created and no secret", seen, err)
	}
	if list, err := w.Clients(t.Context(), store.Page{}); err != nil || len(list) != 0 {
		t.Fatalf("Preview left %v, %v", list, err)
	}
	done, err := w.Apply(t.Context(), one)
	if err != nil || !reflect.DeepEqual(actions(done), want) || done[0].Secret == "" || done[1].Secret != "" || done[2].Secret != "" {
		t.Fatalf("Apply = %+v, %v, want all created and one secret", done, err)
	}
	again, err := w.Apply(t.Context(), specs(t, file))
	if err != nil || !reflect.DeepEqual(actions(again), []admin.Action{admin.Unchanged, admin.Unchanged, admin.Unchanged}) {
		t.Fatalf("Apply again = %+v, %v, want nothing changed", again, err)
	}
	c, err := w.Client(t.Context(), "books")
	if err != nil || c.Revision != 1 {
		t.Fatalf("books = %+v, %v, want revision 1: nothing was written", c, err)
	}

	changed := strings.NewReplacer(`"5m"`, `"10m"`, `"scope": "read"`, `"scope": "read write"`, `"kind": "native"`, `"kind": "native", "disabled": true`).Replace(file)
	up, err := w.Apply(t.Context(), specs(t, changed))
	if err != nil || !reflect.DeepEqual(up[0].Fields, []string{"metadata.scope", "policy.token_ttl"}) || !reflect.DeepEqual(up[1].Fields, []string{"disabled"}) || up[2].Action != admin.Unchanged {
		t.Fatalf("Apply of a change = %+v, %v", up, err)
	}
	after, err := w.Client(t.Context(), "books")
	if err != nil || !reflect.DeepEqual(after.Secrets, c.Secrets) {
		t.Errorf("the secret of books changed: %+v, %v", after, err)
	}

	// A client becomes one that needs a secret, and then one that has none.
	up, err = w.Apply(t.Context(), specs(t, strings.Replace(file, `"kind": "native"`, `"kind": "confidential"`, 1)))
	if err != nil || up[1].Secret == "" {
		t.Errorf("Apply that makes a client confidential = %+v, %v, want a secret", up, err)
	}
	if _, err = w.Apply(t.Context(), specs(t, file)); err != nil {
		t.Fatal(err)
	}
	if c, err := w.Client(t.Context(), "app"); err != nil || len(c.Secrets) != 0 || c.Disabled {
		t.Errorf("app = %+v, %v, want public, enabled and without a secret", c, err)
	}

	// What is exported is what is there.
	var out []admin.Spec
	list, err := w.Clients(t.Context(), store.Page{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		out = append(out, admin.SpecOf(c))
	}
	if same, err := w.Apply(t.Context(), out); err != nil || !reflect.DeepEqual(actions(same), []admin.Action{admin.Unchanged, admin.Unchanged, admin.Unchanged}) {
		t.Errorf("Apply of SpecOf = %+v, %v, want nothing changed", same, err)
	}

	// A disabled client's grants end, also where only the flag was set before.
	id, secret := w.machine(t, nil)
	token := w.token(t, id, secret)
	off, err := w.Client(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	off = off.Clone()
	off.Disabled = true
	if err := st.(store.ClientWriter).PutClient(t.Context(), off); err != nil { //nolint:forcetypeassert,errcheck // Open says it
		t.Fatal(err)
	}
	ended, err := w.Apply(t.Context(), []admin.Spec{admin.SpecOf(off)})
	if err != nil || ended[0].Action != admin.Unchanged || ended[0].Ended != 1 {
		t.Errorf("Apply of a disabled client = %+v, %v, want its grant ended", ended, err)
	}
	w.guarded(t, token, http.StatusUnauthorized)
}

func applyChecks(t *testing.T, st store.Store) {
	w := newWorld(t, st)
	bad := strings.Replace(strings.Replace(file, `"scope": "read"`, `"scope": "admin"`, 1), "http://127.0.0.1/callback", "javascript:alert(1)", 1)
	_, err := w.Apply(t.Context(), specs(t, bad))
	wantError(t, err, nil, `client "books" has the scope "admin", which is not among Scopes`, `client "app"`, "javascript")
	if list, err := w.Clients(t.Context(), store.Page{}); err != nil || len(list) != 0 {
		t.Errorf("an apply that was refused left %v, %v", list, err)
	}
	_, err = w.Apply(t.Context(), []admin.Spec{{ID: "fixed"}})
	wantError(t, err, nil, `client "fixed" is in server.Config.Clients: change it there`)
	c, err := admin.NewClient(admin.Machine)
	if err != nil {
		t.Fatal(err)
	}
	c.Origin = store.ByRegistration
	if c, _, err = w.Create(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	_, err = w.Apply(t.Context(), []admin.Spec{admin.SpecOf(c)})
	wantError(t, err, nil, `client "`+c.ID+`" registered itself, and somebody else has its secret: choose another id`)
}

// applyAtOnce: of any number of applies one creates each client and has its secret, and of two files one's version of a client is
// there as a whole.
func applyAtOnce(t *testing.T, st store.Store) {
	w := newWorld(t, st)
	other := strings.NewReplacer("Bookkeeper", "Ledger", "https://books.test/callback", "https://ledger.test/callback").Replace(file)
	const n = 16
	created := make([][]admin.Change, n)
	var wg sync.WaitGroup
	for i := range n {
		list := specs(t, []string{file, other}[i%2])
		wg.Go(func() {
			changes, err := w.Apply(t.Context(), list)
			if err != nil {
				t.Error(err)
			}
			created[i] = changes
		})
	}
	wg.Wait()
	count, secret := map[string]int{}, ""
	for _, changes := range created {
		for _, c := range changes {
			if c.Action == admin.Created {
				count[c.ID]++
			}
			if c.Secret != "" {
				if secret != "" {
					t.Error("two secrets were shown")
				}
				secret = c.Secret
			}
		}
	}
	if !reflect.DeepEqual(count, map[string]int{"books": 1, "app": 1, "night": 1}) {
		t.Errorf("created = %v, want each once", count)
	}
	c, err := w.Client(t.Context(), "books")
	if err != nil || len(c.Secrets) != 1 {
		t.Fatalf("books = %+v, %v", c, err)
	}
	pair := c.Metadata.Name + " " + c.Metadata.RedirectURIs[0]
	if pair != "Bookkeeper https://books.test/callback" && pair != "Ledger https://ledger.test/callback" {
		t.Errorf("books is a mixture: %s", pair)
	}
	// The secret that was shown is the one that is good.
	status, body := w.post(t, "/introspect", "books", secret, map[string][]string{"token": {"x"}})
	if status != http.StatusOK {
		t.Errorf("introspect with the secret that was shown = %d %s", status, body)
	}
}

// applyBeside: who is quicker with creating or changing the client does no harm, and keeps what the file does not speak of.
func applyBeside(t *testing.T, st store.Store) {
	w := newWorld(t, st)
	r := newRacing(st)
	beside := newWorld(t, r)
	r.beforePut = func() {
		if _, err := w.Apply(t.Context(), specs(t, `{"clients": [{"id": "night", "kind": "machine", "metadata": {"client_name": "Night"}}]}`)); err != nil {
			t.Error(err)
		}
	}
	done, err := beside.Apply(t.Context(), specs(t, `{"clients": [{"id": "night", "kind": "machine", "metadata": {"scope": "read"}}]}`))
	if err != nil || done[0].Action != admin.Updated || done[0].Secret != "" {
		t.Fatalf("Apply beside one that creates = %+v, %v, want an update and no other secret", done, err)
	}
	var secret string
	r.beforePut = func() {
		if secret, _, err = w.AddSecret(t.Context(), "night"); err != nil {
			t.Error(err)
		}
	}
	if done, err = beside.Apply(t.Context(), specs(t, `{"clients": [{"id": "night", "kind": "machine", "metadata": {"scope": "read write"}}]}`)); err != nil || done[0].Action != admin.Updated {
		t.Fatalf("Apply beside one that changes = %+v, %v, want an update", done, err)
	}
	w.token(t, "night", secret)
}
